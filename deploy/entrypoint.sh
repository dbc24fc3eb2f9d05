#!/bin/sh
# entrypoint.sh COMMAND...: runs it. A user id without a name (OpenShift's, `docker run --user 12345`) gets one, as Hadoop
# does not start without: /etc/passwd is read-only here, so libnss-wrapper shows the programs another one.
set -eu

id="$(id -u)"
if ! getent passwd "${id}" >/dev/null; then
  if ! passwd="$(mktemp /tmp/passwd.XXXXXX 2>/dev/null)"; then
    printf 'error: the user id %s has no name, and /tmp takes no file to give it one: mount a tmpfs at /tmp\n' "${id}" >&2
    exit 1
  fi
  cp /etc/passwd "${passwd}"
  printf 'user:x:%s:%s::/tmp:/usr/sbin/nologin\n' "${id}" "$(id -g)" >>"${passwd}"
  export LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_PASSWD="${passwd}" NSS_WRAPPER_GROUP=/etc/group
fi
exec "$@"
