/** A refusal in the shape that the exception filters of Nest know. @module */

import { HttpException } from '@nestjs/common'
import type { DPoPError, DPoPUnavailableError } from '../../src/errors.js'

/** What {@link DPoPGuard} throws: status and body of the refusal, which itself is the `cause`. */
export class DPoPException extends HttpException {
  /** The refusal, with its code and header fields. */
  declare readonly cause: DPoPError | DPoPUnavailableError

  constructor(error: DPoPError | DPoPUnavailableError) {
    super(error.toJSON(), error.status, { cause: error })
  }
}
