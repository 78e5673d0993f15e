#!/bin/sh
# Makes what docker-compose.yml mounts: the secrets, each readable by the one who needs it, and the directories of the
# two hosts. As root, because the files belong to the users inside the containers. May be run again: what is there stays.
set -eu
cd "$(dirname "$0")"
umask 077

# As the Dockerfile has it.
solstice_user=10001
mkdir -p secrets

random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

# keep <file> <owner> <mode>: what stands on standard input, unless the file is there.
keep() {
  if [ -s "secrets/$1" ]; then
    cat > /dev/null
    return
  fi
  cat > "secrets/$1.new"
  chown "$2" "secrets/$1.new"
  chmod "$3" "secrets/$1.new"
  mv "secrets/$1.new" "secrets/$1"
}

random | keep postgres-password 0 0400
postgres_password="$(cat secrets/postgres-password)"
rabbitmq_password="$(sed -n 's/^default_pass = //p' secrets/rabbitmq.conf 2> /dev/null || true)"
[ -n "$rabbitmq_password" ] || rabbitmq_password="$(random)"

# Read by the broker's user, whose number differs between images: the directory is what keeps others on this machine out.
printf 'default_user = solstice\ndefault_pass = %s\n' "$rabbitmq_password" | keep rabbitmq.conf 0 0444
printf 'postgres://solstice:%s@postgres:5432/solstice\n' "$postgres_password" | keep database-url "$solstice_user" 0400
printf 'amqp://solstice:%s@rabbitmq:5672\n' "$rabbitmq_password" | keep queue-url "$solstice_user" 0400
for name in secret.key operator.token webhook-secret; do
  { random && echo; } | keep "$name" "$solstice_user" 0400
done

# Passed through by anybody (jobs reach what is theirs), looked into by root.
state="${SOLSTICE_STATE:-/var/lib/solstice}"
mkdir -p "$state/host-1" "$state/host-2"
chmod 0711 "$state" "$state/host-1" "$state/host-2"

if [ ! -s secrets/forge-token ]; then
  cat << END
One thing is missing, which only your forge can give: the token that Solstice reads files and reports statuses with.
  sudo install -m 0400 -o $solstice_user /dev/stdin $(pwd)/secrets/forge-token     (paste it, Enter, Ctrl-D)
END
fi
cat << END
The forge signs its webhooks with what is in $(pwd)/secrets/webhook-secret.
Now set public_url and the forge in forge.kdl and orchestrator.kdl, here beside.
END
