#!/usr/bin/env node
// The command `copresence`: Node runs the TypeScript as it is, through tsx.
import { register } from 'tsx/esm/api';

register();
await import('./main.ts');
