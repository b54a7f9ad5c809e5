/** A server that a test can stop, kill and restart. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** One command on a connection of its own; rejects with the message of an error reply. */
  command(...args: string[]): Promise<unknown>
  /** Stops the process, so that it neither replies nor closes a connection. */
  freeze(): void
  thaw(): void
  /** Kills the process, like a crash. */
  kill(): Promise<void>
  /** Starts it again, on the same port and in the same folder, with further arguments; resolves once it listens. */
  restart(...more: string[]): Promise<void>
  /** Ends it and removes its folder. */
  stop(): Promise<void>
}

/** Whether there is a `redis-server`; on Debian as root it is installed where it is missing. */
export function hasRedisServer(): boolean
/** Starts a server with a folder of its own. */
export function startRedisServer(...args: string[]): Promise<RedisServer>
/** Starts a Sentinel that watches a server under the name `notes`, and promotes its replica half a second after it failed. */
export function startSentinel(masterPort: number): Promise<RedisServer>
/** A port that was free a moment ago. */
export function freePort(): Promise<number>
