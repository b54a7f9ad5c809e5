/** The `HttpException` of a rejected request. @module */

import { HttpException } from '@nestjs/common'
import type { DPoPError, DPoPUnavailableError } from '../../src/errors.js'

/**
 * The exception that {@link DPoPGuard} throws. Its message is the description of the error, and its body is
 * `{ statusCode, message, error, error_description }`: the members that Nest uses, and those of RFC 6749 §5.2.
 */
export class DPoPException extends HttpException {
  /** The error, with its code and header fields. */
  declare readonly cause: DPoPError | DPoPUnavailableError

  constructor(error: DPoPError | DPoPUnavailableError) {
    super({ statusCode: error.status, message: error.description, ...error.toJSON() }, error.status, { cause: error })
  }
}
