import { expect, it } from 'vitest';
import { render } from '../src/render.ts';

const header = '# Written by the update module adblock. Changes made here are lost.\n';
const list = { blocked: ['ads.example', 'track.example'], exceptions: ['good.ads.example'] };

it('writes zones for unbound', () => {
  expect(render(list, 'unbound')).toBe(
    `${header}server:
    local-zone: "ads.example" always_null
    local-zone: "track.example" always_null
    local-zone: "good.ads.example" always_transparent
`,
  );
});

it('writes addresses for dnsmasq', () => {
  expect(render(list, 'dnsmasq')).toBe(
    `${header}address=/ads.example/#\naddress=/track.example/#\nserver=/good.ads.example/#\n`,
  );
});

it('writes a hosts file', () => {
  expect(render({ ...list, exceptions: [] }, 'hosts')).toBe(`${header}0.0.0.0 ads.example\n0.0.0.0 track.example\n`);
});
