import * as Type from 'typebox'
import { json, route } from './route.ts'
import { AnyObject, object } from './scalars.ts'

export const getHealth = route({
  method: 'GET',
  path: '/health',
  access: 'open',
  summary: 'Whether the server answers.',
  params: object({}),
  response: { status: 200, content: json(object({ status: Type.Literal('ok') })) },
})

export const getOpenApi = route({
  method: 'GET',
  path: '/openapi.json',
  access: 'open',
  summary: 'This document.',
  params: object({}),
  response: { status: 200, content: json(AnyObject) },
})
