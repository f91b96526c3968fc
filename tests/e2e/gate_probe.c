/*
 * The gate's verdict about certificates given on standard input, one line of
 * answer for each line:
 *
 *	RULE AUTHORITY.pem CRL.pem LEAF [CERTIFICATE...]   (in hexadecimal)
 *
 *	ok KEY LABEL                    or  WORD ALERT SENTENCE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "lib/clock.h"
#include "lib/file.h"
#include "server/gate/gate.h"

#define LINE (1 << 20)

static struct sn_bytes file(const char *path)
{
	struct sn_bytes out = { NULL, 0 };
	char *text = NULL;

	if (sn_file_read(path, 1 << 24, &text, &out.n, NULL) == SN_OK)
		out.p = text;
	return (out);
}

static struct gate *open_gate(
    const char *rule, const char *authority, const char *crl)
{
	struct gate_material m = {
		.authority = file(authority),
		.crl = file(crl),
		.policy = { .chain_max = 4,
		    .keys = SN_CERT_KEYS_DEFAULT,
		    .tolerance = 300 },
	};
	struct gate *gate = NULL;
	struct sn_why why = { "" };

	if (sn_subject_rule(rule, &m.policy.rule) != SN_OK ||
	    gate_new(&m, NULL, &gate, &why) != SN_OK)
		printf("gate none %s\n", why.text);
	free((void *)(uintptr_t)m.authority.p);
	free((void *)(uintptr_t)m.crl.p);
	return (gate);
}

/* As TLS reads it: the whole of the bytes is one certificate. */
static X509 *certificate(const char *hex)
{
	size_t n = strlen(hex) / 2;
	unsigned char *der = malloc(n + 1);
	const unsigned char *p = der;
	X509 *cert = NULL;

	if (der != NULL && sn_bytes_unhex(hex, der, n))
		cert = d2i_X509(NULL, &p, (long)n);
	if (cert != NULL && p != der + n) {
		X509_free(cert);
		cert = NULL;
	}
	free(der);
	ERR_clear_error();
	return (cert);
}

static void judge(const struct gate *gate, STACK_OF(X509) * chain)
{
	struct sn_cert_refusal refusal = { .word = "?" };
	struct gate_peer peer;

	if (gate_check(gate, sk_X509_value(chain, 0), chain, sn_clock_wall_s(),
		&peer, &refusal) != SN_OK)
		printf("%s %s %s\n", refusal.word,
		    sn_tls_alert_word(refusal.alert), refusal.why.text);
	else if (peer.key.rule == SN_SUBJECT_DN)
		printf("ok (digest) %s\n", peer.label);
	else
		printf("ok %.*s %s\n", (int)peer.key.len, peer.key.bytes,
		    peer.label);
}

static void answer(char *line)
{
	char *save, *rule = strtok_r(line, " \n", &save);
	char *authority = strtok_r(NULL, " \n", &save);
	char *crl = strtok_r(NULL, " \n", &save), *hex;
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct gate *gate = NULL;
	bool good = true;

	if (crl != NULL)
		gate = open_gate(rule, authority, crl);
	while (good && (hex = strtok_r(NULL, " \n", &save)) != NULL) {
		X509 *cert = certificate(hex);

		good = cert != NULL && sk_X509_push(chain, cert) > 0;
	}
	if (gate != NULL && good && sk_X509_num(chain) > 0)
		judge(gate, chain);
	else if (gate != NULL)
		printf("decode decode_error it is no certificate\n");
	(void)fflush(stdout);
	gate_release(gate);
	sn_cert_free(chain);
}

int main(void)
{
	char *line = malloc(LINE);

	while (line != NULL && fgets(line, LINE, stdin) != NULL)
		answer(line);
	free(line);
	return (0);
}
