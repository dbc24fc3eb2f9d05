#!/usr/bin/env bash
# Installed under the names of Kafka's own command-line tools, and does what they do: runs the tool of its name.
set -euo pipefail

unset CDPATH # `cd` would go by it, and print where it went
libs="$(cd "$(dirname "${BASH_SOURCE[0]}")/../libs" && pwd)"
java=java
if [[ -n "${JAVA_HOME:-}" ]]; then
  java="${JAVA_HOME}/bin/java"
fi
case "$(basename "$0")" in
  kafka-topics.sh) class=org.apache.kafka.tools.TopicCommand ;;
  kafka-console-consumer.sh) class=org.apache.kafka.tools.consumer.ConsoleConsumer ;;
  kafka-console-producer.sh) class=org.apache.kafka.tools.ConsoleProducer ;;
  kafka-consumer-groups.sh) class=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand ;;
  kafka-configs.sh) class=org.apache.kafka.tools.ConfigCommand ;;
  kafka-get-offsets.sh) class=org.apache.kafka.tools.GetOffsetShell ;;
  kafka-acls.sh) class=org.apache.kafka.tools.AclCommand ;;
  *)
    printf 'error: %s is none of the tools that come with this install\n' "$0" >&2
    exit 2
    ;;
esac
exec "${java}" -Xmx512m -Dlog4j2.level=WARN -cp "${libs}/*" "${class}" "$@"
