#!/usr/bin/env node
// Committed, so that the link exists before the first build; dist/ is what it starts.
import '../dist/main.js';
