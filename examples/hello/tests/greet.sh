#!/bin/sh
set -e
test "$(sh src/greet.sh)" = "Hello, world!" && echo "ok 1 - greets the world"
test "$(sh src/greet.sh Ada)" = "Hello, Ada!" && echo "ok 2 - greets by name"
