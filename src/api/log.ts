import * as Type from 'typebox'
import { BYTES, route, TEXT } from './route.ts'
import { Digest, NodeParams, object } from './scalars.ts'

const TileParams = object({
  member: Digest,
  register: Digest,
  level: Type.String({ pattern: '^(?:0|[1-9][0-9]?)$', maxLength: 2 }),
  tile: Type.String({
    pattern: '^(?:x[0-9]{3}/)*[0-9]{3}(?:\\.p/[1-9][0-9]{0,2})?$',
    maxLength: 40,
    description:
      'C2SP tlog-tiles: the number in groups of three digits, all but the last with an x before it, and .p/<width> for a partial tile. Its slashes are part of the path.',
  }),
})

const BundleParams = object({ member: Digest, register: Digest, tile: TileParams.properties.tile })

export const readCheckpoint = route({
  method: 'GET',
  path: '/nodes/{member}/registers/{register}/log/checkpoint',
  access: 'open',
  summary: 'The newest certificate, a C2SP signed note (tlog-tiles).',
  params: NodeParams,
  response: { status: 200, content: TEXT },
})

export const readTile = route({
  method: 'GET',
  path: '/nodes/{member}/registers/{register}/log/tile/{level}/{+tile}',
  access: 'open',
  summary: 'A hash tile (C2SP tlog-tiles).',
  params: TileParams,
  response: { status: 200, content: BYTES },
})

/** Bundles show which organisation handled which case when, so members only (RULES 28). */
export const readBundle = route({
  method: 'GET',
  path: '/nodes/{member}/registers/{register}/log/tile/entries/{+tile}',
  access: 'signed',
  summary: 'An entry bundle (C2SP tlog-tiles).',
  params: BundleParams,
  response: { status: 200, content: BYTES },
})

export const addCheckpoint = route({
  method: 'POST',
  path: '/nodes/{member}/registers/{register}/log/add-checkpoint',
  access: 'open',
  summary: 'Asks for a cosignature (C2SP tlog-witness). The node has applied every entry before it gives one.',
  params: NodeParams,
  body: TEXT,
  response: { status: 200, content: TEXT },
  answers: [
    { status: 400, description: 'The request is malformed.', type: TEXT.type },
    { status: 403, description: 'The checkpoint is not signed by the log.', type: TEXT.type },
    {
      status: 404,
      description: 'The log is not known, or this member cosigns nothing because another runs its node.',
      type: TEXT.type,
    },
    {
      status: 409,
      description: 'The old size is not the last one cosigned, which is returned.',
      type: 'text/x.tlog.size',
    },
    { status: 422, description: 'The consistency proof does not hold.', type: TEXT.type },
    { status: 503, description: 'The entries have not been fetched and applied yet.', type: TEXT.type },
  ],
})
