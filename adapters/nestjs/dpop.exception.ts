/** The `HttpException` of a rejected request. @module */

import { HttpException } from '@nestjs/common'
import type { DPoPError, DPoPUnavailableError } from '../../src/errors.js'

/** The exception that {@link DPoPGuard} throws: status and body of the error, which is the `cause`. */
export class DPoPException extends HttpException {
  /** The error, with its code and header fields. */
  declare readonly cause: DPoPError | DPoPUnavailableError

  constructor(error: DPoPError | DPoPUnavailableError) {
    super(error.toJSON(), error.status, { cause: error })
  }
}
