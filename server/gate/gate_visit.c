#include "server/gate/gate_internal.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"

#define QUOTED (SN_CERT_NAME + 64)
#define FAILED_BURST 10

static void log_refusal(const struct gate_visit *visit,
    const struct gate_peer *peer, const struct sn_cert_refusal *refusal)
{
	char subject[QUOTED], issuer[QUOTED], text[2 * QUOTED];
	unsigned dropped = 0;

	if (visit->limit != NULL && !sn_log_allow(visit->limit, &dropped))
		return;
	sn_log(SN_NOTICE, "gate.refused",
	    "reason=%s alert=%s address=%s subject=%s issuer=%s serial=%s "
	    "why=%s withheld=%u",
	    refusal->word, sn_tls_alert_word(refusal->alert),
	    visit->address != NULL ? visit->address : "-",
	    sn_log_quote(
		subject, sizeof(subject), peer->subject, strlen(peer->subject)),
	    sn_log_quote(
		issuer, sizeof(issuer), peer->issuer, strlen(peer->issuer)),
	    peer->serial[0] != '\0' ? peer->serial : "-",
	    sn_log_quote(text, sizeof(text), refusal->why.text,
		strlen(refusal->why.text)),
	    dropped);
}

static void keep_leaf(struct gate_visit *visit, X509 *leaf)
{
	int n = i2d_X509(leaf, NULL);
	unsigned char *to;

	free(visit->leaf);
	visit->leaf = NULL;
	if (n <= 0 || n > GATE_LEAF_MAX ||
	    (visit->leaf = malloc((size_t)n)) == NULL)
		return;
	to = visit->leaf;
	visit->leaf_len = (size_t)i2d_X509(leaf, &to);
}

int gate_verify(void *arg, X509 *leaf, STACK_OF(X509) * chain)
{
	struct gate_visit *visit = arg;
	struct sn_cert_refusal refusal = { SN_OK, SN_TLS_ALERT_INTERNAL_ERROR,
		"internal", { "" } };

	visit->admitted = visit->refused = false;
	if (gate_check(visit->gate, leaf, chain, sn_clock_wall_s(), visit->peer,
		&refusal) != SN_OK) {
		visit->refused = true;
		log_refusal(visit, visit->peer, &refusal);
		return (refusal.alert);
	}
	visit->admitted = true;
	keep_leaf(visit, leaf);
	return (SN_TLS_ALERT_NONE);
}

void gate_failed(struct gate_visit *visit, const struct sn_tls *tls)
{
	/* Its own limit: noise must not hide whose certificate is refused. */
	static _Thread_local struct sn_log_limit limit = {
		.burst = FAILED_BURST,
		.period_ns = SN_NS_PER_S,
	};
	const char *reason = sn_tls_reason(tls);
	char text[QUOTED];
	unsigned dropped;

	if (visit->refused || !sn_log_allow(&limit, &dropped))
		return;
	sn_log(SN_INFO, "tls.failed",
	    "address=%s sent=%s received=%s why=%s withheld=%u",
	    visit->address != NULL ? visit->address : "-",
	    sn_tls_alert_word(sn_tls_sent(tls)),
	    sn_tls_alert_word(sn_tls_alert(tls)),
	    sn_log_quote(text, sizeof(text), reason, strlen(reason)), dropped);
}

static enum sn_err explain_admission(
    const struct gate_peer *peer, enum sn_err err, struct sn_why *why)
{
	char until[SN_CLOCK_TEXT], key[SN_SUBJECT_KEY_MAX + 1];

	if (peer->key.len == 0) {
		(void)sn_bytes_hex(peer->digest, sizeof(peer->digest), key);
		return (sn_why(why, err,
		    "the certificate would be let in: its subject, sha256:%s, "
		    "is mapped by hand; device \"%s\", serial %s, until %s",
		    key, peer->label, peer->serial,
		    sn_clock_rfc3339(peer->ends, until)));
	}
	if (peer->key.rule == SN_SUBJECT_DN) {
		(void)sn_bytes_hex(peer->key.bytes, peer->key.len, key);
	} else {
		memcpy(key, peer->key.bytes, peer->key.len);
		key[peer->key.len] = '\0';
	}
	return (sn_why(why, err,
	    "the certificate would be let in: rule %s, key %s, device \"%s\", "
	    "serial %s, until %s",
	    sn_subject_rule_word(peer->key.rule), key, peer->label,
	    peer->serial, sn_clock_rfc3339(peer->ends, until)));
}

enum sn_err gate_explain(const struct gate *gate, struct sn_bytes pem,
    struct gate_peer *peer, struct sn_why *why)
{
	struct sn_cert_refusal refusal;
	STACK_OF(X509) *chain = NULL;
	enum sn_err err;

	memset(peer, 0, sizeof(*peer));
	if ((err = sn_cert_read(pem, &chain, why)) != SN_OK)
		return (err);
	err = gate_check(gate, sk_X509_value(chain, 0), chain,
	    sn_clock_wall_s(), peer, &refusal);
	sn_cert_free(chain);
	if (err == SN_OK)
		return (explain_admission(peer, err, why));
	return (sn_why(why, err, "the certificate would be refused (%s): %s",
	    refusal.word, refusal.why.text));
}
