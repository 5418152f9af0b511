import { describe, expect, it } from 'vitest'
import {
  agentMessageSchema,
  fleetAgentMessageSchema,
  fleetPlaneMessageSchema,
  planeMessageSchema,
  protocolVersion,
} from '../../shared/protocol.ts'
import { agentMessages, fleetAgentMessages, fleetPlaneMessages, planeMessages } from './golden.ts'

describe('the wire', () => {
  it('is at the version that these golden messages are of', () => expect(protocolVersion).toBe(5))

  it.each(agentMessages)('takes an agent’s $t as it is', (message) => {
    expect(agentMessageSchema.parse(JSON.parse(JSON.stringify(message)))).toEqual(message)
  })

  it.each(planeMessages)('takes the plane’s $t as it is', (message) => {
    expect(planeMessageSchema.parse(JSON.parse(JSON.stringify(message)))).toEqual(message)
  })

  it.each(fleetAgentMessages)('takes an agent’s $t to the fleet as it is', (message) => {
    expect(fleetAgentMessageSchema.parse(JSON.parse(JSON.stringify(message)))).toEqual(message)
  })

  it.each(fleetPlaneMessages)('takes the fleet’s $t as it is', (message) => {
    expect(fleetPlaneMessageSchema.parse(JSON.parse(JSON.stringify(message)))).toEqual(message)
  })

  it.each([
    ['an agent', agentMessageSchema, agentMessages],
    ['the plane', planeMessageSchema, planeMessages],
    ['an agent to the fleet', fleetAgentMessageSchema, fleetAgentMessages],
    ['the fleet', fleetPlaneMessageSchema, fleetPlaneMessages],
  ])('has a golden message of every kind that %s sends', (_, { options }, golden) => {
    const kinds = options.map(({ shape }) => shape.t.value)
    expect(new Set(golden.map(({ t }) => t))).toEqual(new Set(kinds))
  })

  it.each([
    { t: 'nonsense' },
    { t: 'free' },
    { t: 'free', n: -1 },
    { t: 'free', n: 1, more: true },
    { t: 'split', seq: 1, packet: 1, generation: 1, at: '\u0100' },
    { t: 'split', seq: 1, packet: 0, generation: 1, at: 'a' },
    { t: 'cut', seq: 1, packet: 1, generation: 1, from: null, cuts: [] },
    null,
    [],
    'hello',
  ])('refuses %j', (message) => {
    expect(agentMessageSchema.safeParse(message).success).toBe(false)
  })
})
