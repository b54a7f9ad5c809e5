/** A GraphQL schema whose resolvers read the verified request of the context. */

import { createRequire } from 'node:module'

// Vitest resolves the member `module` of the package, Node.js the member `main`: a schema of one is not one of the other.
const { execute, GraphQLObjectType, GraphQLSchema, GraphQLString, subscribe } = createRequire(import.meta.url)(
  'graphql'
) as typeof import('graphql')

export { execute, subscribe }

/** The context of a resolver. */
export interface NotesContext {
  readonly auth?: { readonly claims: { readonly sub?: string | undefined } } | undefined
}

const field = {
  type: GraphQLString,
  resolve: (_source: unknown, _args: unknown, { auth }: NotesContext) => auth?.claims.sub
}

/** Three fields with a resolver each. */
export const notesSchema = new GraphQLSchema({
  query: new GraphQLObjectType<unknown, NotesContext>({ name: 'Query', fields: { owner: field, author: field, reader: field } })
})
