/** `sim netem`: which commands are planned, why it is not possible here or there, and a run in a real namespace where it is. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandInside, readNetemOptions } from '../../../sim/commands/netem.ts';
import { network } from '../../../sim/load/profile.ts';
import { netemOfThisMachine, runCommand, runInside, whyNoNetem, type NetemParts } from '../../../sim/netem/netem.ts';
import { planNetem, qdiscOf, type Command } from '../../../sim/netem/plan-netem.ts';
import { ServerInProcess } from '../../support/running-server.ts';

const CALM = network.parse({});
const BAD = network.parse({ delayMs: 40, jitterMs: 10, loss: 0.02, reorder: 0.01, kilobitsPerS: 2000 });
const ID = 50_000_000 + process.pid;
const [whyNot, whyNotBad] = await Promise.all([whyNoNetem(netemOfThisMachine(), CALM, ID), whyNoNetem(netemOfThisMachine(), BAD, ID + 1)]);

/** A machine on which all goes well but the commands with this word, and what was run on it. */
function machine({ fails = 'nothing', stderr = '', userId = 0, platform = 'linux' as NodeJS.Platform } = {}): NetemParts & { readonly ran: Command[] } {
  const ran: Command[] = [];
  return { ran, userId, platform, run: (command) => Promise.resolve(ran.push(command) && command.includes(fails) ? { code: 2, stderr } : { code: 0, stderr: '' }) };
}

describe('a plan of a namespace', () => {
  it('joins it to this machine by two interfaces, each with the network, and takes it down', () => {
    const { up, down, inside, hostAddress } = planNetem(BAD, 1000);
    const netem = 'netem limit 100000 delay 45ms 5ms loss random 2% reorder 1% rate 2000kbit';
    expect([hostAddress, ...up.map((words) => words.join(' '))]).toEqual([
      '10.213.15.161',
      'ip netns add cpsrs',
      'ip link add cpsrso type veth peer name cpsrsi netns cpsrs',
      'ip address add 10.213.15.161/30 dev cpsrso',
      'ip link set cpsrso up',
      'ip -n cpsrs address add 10.213.15.162/30 dev cpsrsi',
      'ip -n cpsrs link set cpsrsi up',
      'ip -n cpsrs link set lo up',
      `tc qdisc add dev cpsrso root ${netem}`,
      `ip netns exec cpsrs tc qdisc add dev cpsrsi root ${netem}`,
    ]);
    expect(down.map((words) => words.join(' '))).toEqual(['ip link delete cpsrso', 'ip netns delete cpsrs']);
    expect(inside(['node', '-v'])).toEqual(['ip', 'netns', 'exec', 'cpsrs', 'node', '-v']);
  });

  it('has names and addresses that the kernel takes, whatever the process number', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 2 ** 31 }), (id) => {
      const { namespace, hostAddress, up } = planNetem(CALM, id);
      const inner = /(10\.213\.\d+\.(\d+))\/30/.exec(up[4]?.join(' ') ?? '');
      expect(namespace.length + 1).toBeLessThanOrEqual(15);
      expect(hostAddress.split('.').every((part) => Number(part) <= 255)).toBe(true);
      expect(Number(inner?.[2]) & 3).toBe(2);
      expect(Number(hostAddress.split('.')[3]) + 1).toBe(Number(inner?.[2]));
    }));
  });

  it('asks for no emulation where the network is not bad', () => {
    expect([qdiscOf(CALM), planNetem(CALM, 1).up.some(([program]) => program === 'tc')]).toEqual([[], false]);
    expect(qdiscOf(network.parse({ jitterMs: 8 }))).toEqual(['netem', 'limit', '100000', 'delay', '4ms', '4ms']);
  });
});

describe('whether netem is possible', () => {
  it('is said with the reason, and whatever was made is taken down again', async () => {
    const without = async (parts: Parameters<typeof machine>[0], settings = BAD): Promise<string | undefined> => whyNoNetem(machine(parts), settings, 7);
    expect(await without({})).toBeUndefined();
    expect(await without({ platform: 'darwin' })).toBe('network namespaces are Linux\'s, and this is darwin');
    expect(await without({ userId: 1000 })).toBe('making a network namespace takes root');
    expect(await without({ fails: '-Version' })).toBe('the program ip is not there (Debian\'s package iproute2)');
    expect(await without({ fails: 'netem', stderr: 'Error: Specified qdisc kind is unknown.\n' })).toBe('this kernel has no netem (the module sch_netem, CONFIG_NET_SCH_NETEM)');
    expect(await without({ fails: 'veth', stderr: 'RTNETLINK answers: Operation not permitted\n' })).toBe('"ip link add cps7o type veth peer name cps7i netns cps7" ended with 2: RTNETLINK answers: Operation not permitted');
    const parts = machine({ fails: 'netem' });
    await whyNoNetem(parts, BAD, 7);
    expect(parts.ran.at(-1)).toEqual(['ip', 'netns', 'delete', 'cps7']);
  });

  it('is an error with a code for who runs something', async () => {
    await expect(runInside(machine({ userId: 1000 }), BAD, { id: 7, commandFor: () => ['true'] })).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: 'CONFIG_INVALID: netem is not possible here: making a network namespace takes root' });
  });
});

describe('the options of netem', () => {
  it('are a network and a command, whose addresses of this machine are those from inside', () => {
    const { network: wanted, command } = readNetemOptions(['--delay-ms', '30', '--loss', '0.01', '--', 'load', '--url', 'ws://127.0.0.1:7300', '--report', 'http://localhost.html']);
    expect([wanted, command[0]]).toEqual([{ delayMs: 30, jitterMs: 0, loss: 0.01, reorder: 0 }, 'load']);
    expect(commandInside(command, '10.213.0.1').slice(4)).toEqual(['load', '--url', 'ws://10.213.0.1:7300', '--report', 'http://localhost.html']);
    expect(() => readNetemOptions(['--delay-ms', '30'])).toThrow('CONFIG_INVALID: the command to run is missing');
    expect(() => readNetemOptions(['--loss', '2', '--', 'load'])).toThrow('CONFIG_INVALID: --loss is not a number from 0 to 1');
    expect(() => readNetemOptions(['--reorder', '0.1', '--', 'load'])).toThrow('CONFIG_INVALID: --reorder needs a --delay-ms');
  });
});

describe('a real namespace', () => {
  it.skipIf(whyNot !== undefined)(`runs a load against a server outside, and is gone afterwards${whyNot === undefined ? '' : `: skipped, ${whyNot}`}`, async () => {
    const key = 'a key of thirty-two characters, or more';
    const { server } = await ServerInProcess.start(['--host', '0.0.0.0'], Buffer.from(key));
    try {
      const child = spawn(process.execPath, ['--import', 'tsx', 'sim/main.ts', 'netem', '--', 'load', '--url', `http://127.0.0.1:${new URL(server.url).port}`, '--token-key', key, '--headsets', '4', '--duration', '1', '--pose-hz', '20'], { stdio: ['ignore', 'pipe', 'pipe'] });
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => { said += text.toString(); });
      await once(child, 'close');
      expect(said).toMatch(/server +http:\/\/10\.213\./);
      expect(said).toMatch(/let in +4\n/);
      expect(said).toMatch(/✓ +reliable\.lost/);
      expect((await runCommand(['ip', 'netns', 'pids', planNetem(CALM, child.pid ?? 0).namespace])).code).not.toBe(0);
    } finally {
      await server.close();
    }
  }, 120_000);

  it.skipIf(whyNotBad !== undefined)(`delays what goes through it, as it is told${whyNotBad === undefined ? '' : `: skipped, ${whyNotBad}`}`, async () => {
    const delayed = network.parse({ delayMs: 60 });
    const ping = (address: string): Command => ['node', '-e', `const t=performance.now();require('net').connect(9,'${address}').on('error',()=>process.exit(performance.now()-t>=120?0:3))`];
    expect(await runInside(netemOfThisMachine(), delayed, { id: ID + 2, commandFor: ping })).toBe(0);
  }, 60_000);
});
