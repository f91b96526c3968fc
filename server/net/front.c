#include "server/net/front.h"

#include "server/net/sweeper.h"

#include <stdlib.h>

#include <openssl/x509v3.h>

#include "lib/clock.h"
#include "server/gate/subject_key.h"
#include "server/keeper/provider.h"
#include "server/oplog/account.h"
#include "server/base/settings.h"

static void policy_of(const struct settings *set, struct gate_policy *out)
{
	*out = (struct gate_policy){
		.chain_max = (unsigned)set->tls.chain_max,
		.keys = set->tls.client_keys,
		.tolerance = (int64_t)(set->tls.clock_tolerance / 1000),
		.grace = (int64_t)(set->tls.crl_grace / 1000),
		.rule = set->account.rule,
	};
}

static struct gate_material gate_of(
    const struct settings *set, struct sn_bytes authority, struct sn_bytes crl)
{
	struct gate_material m = { .authority = authority,
		.crl = crl,
		.authority_file = set->tls.authority,
		.crl_file = set->tls.crl };

	policy_of(set, &m.policy);
	return (m);
}

static enum sn_err read_chain(const struct settings *set, struct sn_bytes chain,
    STACK_OF(X509) * *out, struct sn_why *why)
{
	enum sn_err err = sn_cert_read(chain, out, why);

	return (err == SN_OK ? SN_OK
			     : material_why(set->tls.certificate,
				   "tls.certificate", err, why));
}

static enum sn_err new_context(const struct settings *set,
    struct sn_bytes chain, struct sn_tls_context **out, struct sn_why *why)
{
	STACK_OF(X509) * certs;
	EVP_PKEY *key;
	enum sn_err err;

	if ((err = read_chain(set, chain, &certs, why)) != SN_OK)
		return (err);
	if ((err = provider_key(sk_X509_value(certs, 0), &key, why)) == SN_OK) {
		err = sn_tls_server_new(chain, key, out, why);
		EVP_PKEY_free(key);
	}
	sn_cert_free(certs);
	return (err);
}

/* Asked for certificates alone that have no key under the rule. */
static bool is_mapped(void *arg, const uint8_t digest[SN_SUBJECT_DIGEST])
{
	struct net *net = arg;
	struct subject_key key;
	struct account account;
	struct sn_txn *txn;
	enum sn_err err;

	if (sn_txn_read(net->store, &txn) != SN_OK)
		return (false);
	subject_key_of_digest(digest, &key);
	err = account_of_subject(txn, subject_key_bytes(&key), &account);
	sn_txn_abort(txn);
	return (err == SN_OK);
}

enum sn_err front_new(struct net *net, const struct settings *settings,
    struct sn_bytes authority, struct sn_bytes crl, struct sn_bytes chain,
    struct gate **gate, struct sn_tls_context **tls, struct sn_why *why)
{
	struct gate_material material = gate_of(settings, authority, crl);
	struct gate *fresh;
	enum sn_err err;

	material.mapped = (struct gate_mapped){ is_mapped, net };
	if ((err = gate_new(&material, net->gate, &fresh, why)) != SN_OK)
		return (err);
	if ((err = new_context(settings, chain, tls, why)) != SN_OK) {
		gate_release(fresh);
		return (err);
	}
	*gate = fresh;
	return (SN_OK);
}

enum sn_err front_check(const struct settings *settings,
    const struct material *material, struct sn_why *why)
{
	struct gate_material of =
	    gate_of(settings, material->authority, material->crl);
	STACK_OF(X509) * certs;
	struct gate *gate;
	enum sn_err err;

	if ((err = gate_new(&of, NULL, &gate, why)) != SN_OK)
		return (err);
	gate_release(gate);
	err = read_chain(settings, material->chain, &certs, why);
	if (err != SN_OK)
		return (err);
	/* A person's certificate here, and no client would talk to us. */
	if ((X509_get_extended_key_usage(sk_X509_value(certs, 0)) &
		XKU_SSL_SERVER) == 0)
		err = sn_why(why, SN_ECERT,
		    "%s is no server's certificate (its extended key usage "
		    "does not name serverAuth); sicher-ca server HOST makes "
		    "one",
		    settings->tls.certificate);
	sn_cert_free(certs);
	return (err);
}

static void warn(FILE *to, const char *what, const char *name, int64_t end,
    int64_t now, const char *advice)
{
	char until[SN_CLOCK_TEXT];

	(void)fprintf(to, "warning: %s %s %s %s: %s\n", what, name,
	    end < now ? "ended on" : "ends on", sn_clock_rfc3339(end, until),
	    advice);
}

unsigned front_warn(
    const struct settings *settings, const struct material *material, FILE *to)
{
	struct gate_material of =
	    gate_of(settings, material->authority, material->crl);
	int64_t now = sn_clock_wall_s();
	const struct sn_crl_info *list;
	struct cert_watch *w = calloc(1, sizeof(*w));
	struct gate *gate;
	unsigned n = 0;

	if (w == NULL)
		return (0);
	cert_watch_read(material->chain, material->authority, w);
	for (size_t i = 0; i < w->count; i++) {
		const struct cert_end *e = w->all + i;
		enum cert_phase phase = cert_watch_phase(settings, e, now);

		if (phase == CERT_FRESH)
			continue;
		warn(to,
		    e->own ? "the server's certificate"
			   : "the authority's certificate",
		    e->name, e->end, now, cert_watch_what(e, phase));
		n++;
	}
	free(w);
	if (gate_new(&of, NULL, &gate, NULL) != SN_OK)
		return (n);
	for (size_t i = 0; (list = gate_crl_at(gate, i)) != NULL; i++) {
		if (list->next_update - now >
		    (int64_t)(settings->tls.crl_alarm / SN_MS_PER_S))
			continue;
		warn(to, "the revocation list of", list->name,
		    list->next_update, now,
		    "sicher-ca crl publish makes a new one");
		n++;
	}
	gate_release(gate);
	return (n);
}

struct swap {
	struct net *net;
	atomic_uint closed;
};

static void swap_in(struct loop *loop, void *arg)
{
	struct swap *s = arg;
	unsigned closed =
	    loop_front(loop, s->net->settings, s->net->gate, s->net->tls);

	atomic_fetch_add(&s->closed, closed);
}

unsigned front_swap(struct net *net, struct settings *settings,
    struct gate *gate, struct sn_tls_context *tls)
{
	struct swap s = { .net = net };
	struct settings *old = net->settings;

	gate_release(net->gate);
	sn_tls_context_free(net->tls);
	net->settings = settings;
	net->gate = gate;
	net->tls = tls;
	net_each_loop(net, swap_in, &s);
	if (net->sweeper != NULL)
		sweeper_policy(net->sweeper, settings);
	settings_free(old);
	return (atomic_load(&s.closed));
}
