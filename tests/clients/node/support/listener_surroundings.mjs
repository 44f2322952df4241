// Defines the variables that the listener in README.md expects.

import WebSocket from 'ws';

import { Person } from './person.mjs';

globalThis.WebSocket ??= WebSocket;
globalThis.workspaceId = process.env.WORKSPACE_ID;
globalThis.credentials = async () => ({ token: (await Person.signIn(process.env.GUILDHALL_URL, 'mira')).token });
