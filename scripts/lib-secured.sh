# Shared by the scripts for the local brokers: a cluster with logins, certificates and rights (ACLs), to try them out and
# for the tests. To be sourced after lib.sh and lib-kafka.sh.
#
# In SECURED, besides what is made here, there may be, before the first start: `users` (NAME=PASSWORD a line; else there
# is one, `calls`, with a password made up), and `server.properties` (settings of the brokers that come last).
# shellcheck shell=bash
# shellcheck disable=SC2153 # PORT and BROKERS are settings, which lib.sh sets

readonly SECURED="${KAFKA_STATE}/secured"
readonly MECHANISMS="SCRAM-SHA-256 SCRAM-SHA-512 PLAIN OAUTHBEARER"
# shellcheck disable=SC2016 # Kafka's $1, not the shell's
readonly NAME_OF_CERTIFICATE='RULE:^CN=([^,]+).*$/$1/'
readonly JAAS=org.apache.kafka.common.security

# The listeners beside the plain one, which is the administrator's: by password or token, and by client certificate.
sasl_port() {
  printf '%s\n' $((PORT + 20 + 2 * $1))
}

mtls_port() {
  printf '%s\n' $((PORT + 21 + 2 * $1))
}

# secured_servers PORT_COMMAND: the brokers as a client names them.
secured_servers() {
  local i list=""
  for ((i = 0; i < BROKERS; i++)); do
    list="${list:+${list},}localhost:$("$1" "${i}")"
  done
  printf '%s\n' "${list}"
}

# prepare_secured: makes users, certificates and client.properties files, if they are not there yet.
prepare_secured() (
  umask 077
  mkdir -p "${SECURED}"
  [[ -f "${SECURED}/users" ]] ||
    printf 'calls=%s\n' "$(head -c 18 /dev/urandom | base64 | tr '+/' '-_')" >"${SECURED}/users"
  check_users
  command -v openssl >/dev/null || die "no \`openssl\`, which makes the certificates: install it"
  [[ -f "${SECURED}/broker.pem" ]] || make_certificates
  for_users make_client
)

check_users() {
  ! grep -v -n -E '^[A-Za-z0-9._-]+=[A-Za-z0-9._~+/=-]+$' "${SECURED}/users" | cut -d: -f1 | grep . >&2 ||
    die "'${SECURED}/users': a line is NAME=PASSWORD, of letters, digits and . _ - (a password also ~ + / =); see these lines"
}

# for_users COMMAND...: runs the command with each user's name and password.
for_users() {
  local user
  while IFS= read -r user || [[ -n "${user}" ]]; do # the last line may have no end
    "$@" "${user%%=*}" "${user#*=}"
  done <"${SECURED}/users"
}

make_certificates() {
  openssl_quietly req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=sf-police CA" -config "${ROOT}/scripts/openssl.cnf" \
    -extensions ca -keyout "${SECURED}/ca.key" -out "${SECURED}/ca.pem"
  make_certificate broker localhost broker
}

# make_certificate FILE NAME KIND: FILE.pem, with a key and the certificate for it, as Kafka reads them.
make_certificate() {
  local file="${SECURED}/$1"
  openssl_quietly req -new -newkey rsa:2048 -nodes -subj "/CN=$2" -config "${ROOT}/scripts/openssl.cnf" \
    -keyout "${file}.key" -out "${file}.csr"
  openssl_quietly x509 -req -in "${file}.csr" -CA "${SECURED}/ca.pem" -CAkey "${SECURED}/ca.key" -CAcreateserial \
    -days 3650 -extfile "${ROOT}/scripts/openssl.cnf" -extensions "$3" -out "${file}.crt"
  cat "${file}.key" "${file}.crt" >"${file}.part"
  mv "${file}.part" "${file}.pem"
  rm -f "${file}.csr" "${file}.key" "${file}.crt"
}

openssl_quietly() {
  openssl "$@" >>"${SECURED}/openssl.log" 2>&1 || die "openssl failed: $(tail -n 1 "${SECURED}/openssl.log")"
}

# make_client NAME PASSWORD: the user's certificate, and NAME-MECHANISM.properties for each way to log in.
make_client() {
  local name="$1" mechanism login
  [[ -f "${SECURED}/${name}.pem" ]] || make_certificate "${name}" "${name}" client
  for mechanism in ${MECHANISMS}; do
    case "${mechanism}" in
      SCRAM-*) login="${JAAS}.scram.ScramLoginModule required username=\"${name}\" password=\"$2\";" ;;
      PLAIN) login="${JAAS}.plain.PlainLoginModule required username=\"${name}\" password=\"$2\";" ;;
      OAUTHBEARER) login="${JAAS}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"${name}\";" ;;
    esac
    {
      printf '%s=%s\n' bootstrap.servers "$(secured_servers sasl_port)" security.protocol SASL_SSL \
        sasl.mechanism "${mechanism}" sasl.jaas.config "${login}"
      trust
    } >"${SECURED}/${name}-$(lower "${mechanism}").properties"
  done
  {
    printf '%s=%s\n' bootstrap.servers "$(secured_servers mtls_port)" security.protocol SSL
    trust
    own "${name}"
  } >"${SECURED}/${name}-mtls.properties"
}

trust() {
  printf '%s=%s\n' ssl.truststore.type PEM ssl.truststore.location "$(properties_value "${SECURED}/ca.pem")"
}

own() {
  printf '%s=%s\n' ssl.keystore.type PEM ssl.keystore.location "$(properties_value "${SECURED}/$1.pem")"
}

lower() {
  printf '%s' "$1" | tr '[:upper:]' '[:lower:]'
}

# render_secured I: the settings of broker I that make it a secured one; they follow those of a plain one, and win.
# The plain listener is on loopback, and who comes by it is the administrator.
render_secured() {
  local i="$1" port
  port="$(broker_port "${i}")"
  printf '%s=%s\n' \
    listeners "PLAINTEXT://localhost:${port},CONTROLLER://localhost:$((port + 1)),$(secured_listeners "${i}")" \
    advertised.listeners "PLAINTEXT://localhost:${port},$(secured_listeners "${i}")" \
    listener.security.protocol.map PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL \
    authorizer.class.name org.apache.kafka.metadata.authorizer.StandardAuthorizer super.users User:ANONYMOUS \
    listener.name.ssl.ssl.client.auth required ssl.principal.mapping.rules "${NAME_OF_CERTIFICATE}" \
    sasl.enabled.mechanisms "${MECHANISMS// /,}" \
    listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config "${JAAS}.scram.ScramLoginModule required;" \
    listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config "${JAAS}.scram.ScramLoginModule required;" \
    listener.name.sasl_ssl.plain.sasl.jaas.config "${JAAS}.plain.PlainLoginModule required$(for_users plain_user);" \
    listener.name.sasl_ssl.oauthbearer.sasl.jaas.config "${JAAS}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";"
  trust
  own broker
  [[ ! -f "${SECURED}/server.properties" ]] || cat "${SECURED}/server.properties"
}

secured_listeners() {
  printf 'SASL_SSL://localhost:%s,SSL://localhost:%s' "$(sasl_port "$1")" "$(mtls_port "$1")"
}

plain_user() {
  printf ' user_%s="%s"' "$1" "$2"
}

# add_scram_users: those of `users`, whose passwords for PLAIN are in the brokers' settings.
add_scram_users() {
  "${PYTHON}" "${ROOT}/scripts/scram_users.py" "${SECURED}/users" "localhost:${PORT}"
}
