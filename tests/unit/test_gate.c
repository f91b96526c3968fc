#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "server/gate/gate.h"
#include "tests/unit/pki.h"

static struct pki root, issuing, alice;

static const struct gate_policy usual = {
	.chain_max = 4,
	.keys = SN_CERT_KEYS_DEFAULT,
	.tolerance = 300,
	.grace = 0,
	.rule = SN_SUBJECT_CN,
};

static struct pki_list list_of(long number)
{
	struct pki_list list = { .number = number };

	return (list);
}

/* Material of the usual authorities and two lists. */
static struct gate_material material(
    const struct pki_list *of_root, const struct pki_list *of_issuing)
{
	struct gate_material m = { .policy = usual };

	m.authority = pki_pem(root.cert, issuing.cert);
	m.crl =
	    pki_join(pki_crl(&root, of_root), pki_crl(&issuing, of_issuing));
	return (m);
}

static enum sn_err build(struct gate_material *m, const struct gate *previous,
    struct gate **out, struct sn_why *why)
{
	enum sn_err err = gate_new(m, previous, out, why);

	pki_drop(&m->authority);
	pki_drop(&m->crl);
	return (err);
}

static struct gate *usual_gate(void)
{
	struct pki_list list = list_of(1);
	struct gate_material m = material(&list, &list);
	struct gate *gate = NULL;

	assert_int_equal(build(&m, NULL, &gate, NULL), SN_OK);
	return (gate);
}

static struct gate *gate_revoking(
    const struct gate *previous, long of_root, long of_issuing)
{
	struct pki_list a = list_of(2), b = list_of(2);
	struct gate *gate = NULL;
	struct gate_material m;

	a.serials[0] = of_root;
	b.serials[0] = of_issuing;
	m = material(&a, &b);
	assert_int_equal(build(&m, previous, &gate, NULL), SN_OK);
	return (gate);
}

static long serial_of(const struct pki *p)
{
	return (ASN1_INTEGER_get(X509_get0_serialNumber(p->cert)));
}

struct verdict {
	enum sn_err err;
	struct gate_peer peer;
	struct sn_cert_refusal refusal;
};

static struct verdict *look_at(
    const struct gate *gate, X509 *leaf, STACK_OF(X509) * chain, int64_t now)
{
	static struct verdict v;

	memset(&v, 0, sizeof(v));
	v.refusal.word = "";
	v.err = gate_check(gate, leaf, chain, now, &v.peer, &v.refusal);
	return (&v);
}

static struct verdict *look(const struct gate *gate, const struct pki *who)
{
	return (look_at(gate, who->cert, NULL, sn_clock_wall_s()));
}

static void assert_refused(
    const struct verdict *v, enum sn_err err, int alert, const char *word)
{
	assert_string_equal(v->refusal.word, word);
	assert_int_equal(v->err, err);
	assert_int_equal(v->refusal.alert, alert);
	assert_true(strlen(v->refusal.why.text) > 20);
}

static void a_certificate_of_the_authority_comes_in_with_its_facts(void **state)
{
	struct gate *gate = usual_gate();
	uint8_t fingerprint[32];
	struct verdict *v;

	(void)state;
	v = look(gate, &alice);
	assert_string_equal(v->refusal.why.text, "");
	assert_int_equal(v->err, SN_OK);
	sn_cert_fingerprint(alice.cert, fingerprint);
	assert_memory_equal(v->peer.fingerprint, fingerprint, 32);
	assert_string_equal(v->peer.subject, "CN=alice");
	assert_string_equal(v->peer.issuer, "CN=Issuing CA");
	assert_int_equal(strtol(v->peer.serial, NULL, 16), serial_of(&alice));
	assert_int_equal(v->peer.key.rule, SN_SUBJECT_CN);
	assert_int_equal(v->peer.key.len, 5);
	assert_memory_equal(v->peer.key.bytes, "alice", 5);
	/* The leaf and the issuing CA, each with who signed it. */
	assert_int_equal(v->peer.link_count, 2);
	assert_int_equal(v->peer.ends, v->peer.not_after);
	gate_release(gate);
}

static void another_authority_of_the_same_name_is_unknown(void **state)
{
	struct pki impostor = pki_ca(NULL, "Issuing CA");
	struct pki mallory = pki_client(&impostor, "alice");
	struct gate *gate = usual_gate();

	(void)state;
	assert_refused(look(gate, &mallory), SN_ECERT, SN_TLS_ALERT_UNKNOWN_CA,
	    "unknown-ca");
	pki_free(&impostor);
	pki_free(&mallory);
	gate_release(gate);
}

static void an_authority_is_nobodys_certificate(void **state)
{
	struct gate *gate = usual_gate();

	(void)state;
	assert_int_equal(look(gate, &issuing)->err, SN_ECERT);
	assert_int_equal(look(gate, &root)->err, SN_ECERT);
	gate_release(gate);
}

static void a_leaf_of_another_usage_is_told_so(void **state)
{
	struct pki server = pki_server(&issuing, "DNS:localhost");
	struct gate *gate = usual_gate();

	(void)state;
	assert_refused(look(gate, &server), SN_ECERT,
	    SN_TLS_ALERT_UNSUPPORTED_CERTIFICATE, "no-client-auth");
	pki_free(&server);
	gate_release(gate);
}

static void an_expired_certificate_is_refused_at_the_second(void **state)
{
	struct gate *gate = usual_gate();
	int64_t end;

	(void)state;
	assert_int_equal(
	    sn_cert_time(X509_get0_notAfter(alice.cert), &end), SN_OK);
	assert_int_equal(look_at(gate, alice.cert, NULL, end - 1)->err, SN_OK);
	assert_refused(look_at(gate, alice.cert, NULL, end), SN_EEXPIRED,
	    SN_TLS_ALERT_CERTIFICATE_EXPIRED, "expired");
	gate_release(gate);
}

static void a_certificate_may_be_five_minutes_early_and_no_more(void **state)
{
	struct gate *gate = usual_gate();
	int64_t from;

	(void)state;
	assert_int_equal(
	    sn_cert_time(X509_get0_notBefore(alice.cert), &from), SN_OK);
	assert_int_equal(
	    look_at(gate, alice.cert, NULL, from - 300)->err, SN_OK);
	assert_refused(look_at(gate, alice.cert, NULL, from - 301), SN_ECERT,
	    SN_TLS_ALERT_BAD_CERTIFICATE, "not-yet-valid");
	gate_release(gate);
}

static void a_revoked_certificate_is_refused_and_the_next_one_is_not(
    void **state)
{
	struct pki phone = pki_client(&issuing, "alice");
	struct gate *gate = gate_revoking(NULL, 0, serial_of(&alice));

	(void)state;
	assert_refused(look(gate, &alice), SN_EREVOKED,
	    SN_TLS_ALERT_CERTIFICATE_REVOKED, "revoked");
	assert_int_equal(look(gate, &phone)->err, SN_OK);
	pki_free(&phone);
	gate_release(gate);
}

static void a_revoked_issuing_authority_lets_nobody_in(void **state)
{
	struct gate *gate = gate_revoking(NULL, serial_of(&issuing), 0);

	(void)state;
	assert_refused(look(gate, &alice), SN_EREVOKED,
	    SN_TLS_ALERT_CERTIFICATE_REVOKED, "revoked");
	gate_release(gate);
}

static void a_list_revokes_only_what_its_own_issuer_signed(void **state)
{
	/* The root's list names alice's serial; alice is the issuing CA's. */
	struct gate *gate = gate_revoking(NULL, serial_of(&alice), 0);

	(void)state;
	assert_int_equal(look(gate, &alice)->err, SN_OK);
	gate_release(gate);
}

static void an_issuer_without_a_list_is_refused(void **state)
{
	struct pki_list list = list_of(1);
	struct gate_material m = material(&list, &list);
	struct gate *gate = NULL;

	(void)state;
	pki_drop(&m.crl);
	m.crl = pki_crl(&root, &list);
	assert_int_equal(build(&m, NULL, &gate, NULL), SN_OK);
	assert_refused(look(gate, &alice), SN_ECERT,
	    SN_TLS_ALERT_CERTIFICATE_UNKNOWN, "no-crl");
	gate_release(gate);
	/* Nor may the root's be missing: the issuing CA could be revoked. */
	m = material(&list, &list);
	pki_drop(&m.crl);
	m.crl = pki_crl(&issuing, &list);
	assert_int_equal(build(&m, NULL, &gate, NULL), SN_OK);
	assert_refused(look(gate, &alice), SN_ECERT,
	    SN_TLS_ALERT_CERTIFICATE_UNKNOWN, "no-crl");
	gate_release(gate);
}

static void a_list_past_its_time_keeps_out_until_the_grace_ends(void **state)
{
	struct pki_list good = list_of(1), late = list_of(1);
	struct gate_material m;
	struct gate *gate = NULL;
	int64_t now = sn_clock_wall_s();

	(void)state;
	late.from = -9 * PKI_DAY;
	late.until = -3600;
	m = material(&good, &late);
	assert_int_equal(build(&m, NULL, &gate, NULL), SN_OK);
	assert_refused(look(gate, &alice), SN_ECERT,
	    SN_TLS_ALERT_CERTIFICATE_UNKNOWN, "crl-expired");
	gate_release(gate);
	m = material(&good, &late);
	m.policy.grace = 2 * 3600;
	assert_int_equal(build(&m, NULL, &gate, NULL), SN_OK);
	assert_int_equal(look_at(gate, alice.cert, NULL, now)->err, SN_OK);
	assert_refused(look_at(gate, alice.cert, NULL, now + 3700), SN_ECERT,
	    SN_TLS_ALERT_CERTIFICATE_UNKNOWN, "crl-expired");
	gate_release(gate);
}

static void a_list_from_the_future_is_not_in_force(void **state)
{
	struct pki_list good = list_of(1), early = list_of(1);
	struct gate_material m;
	struct gate *gate = NULL;

	(void)state;
	early.from = 200;
	early.until = PKI_DAY;
	m = material(&good, &early);
	assert_int_equal(build(&m, NULL, &gate, NULL), SN_OK);
	assert_int_equal(look(gate, &alice)->err, SN_OK);
	gate_release(gate);
	early.from = 1000;
	m = material(&good, &early);
	assert_int_equal(build(&m, NULL, &gate, NULL), SN_OK);
	assert_refused(look(gate, &alice), SN_ECERT,
	    SN_TLS_ALERT_CERTIFICATE_UNKNOWN, "crl-not-yet");
	gate_release(gate);
}

static void a_chain_longer_than_allowed_is_refused(void **state)
{
	struct pki_list list = list_of(1);
	struct gate_material m = material(&list, &list);
	struct gate *gate = NULL;

	(void)state;
	m.policy.chain_max = 3;
	assert_int_equal(build(&m, NULL, &gate, NULL), SN_OK);
	assert_int_equal(look(gate, &alice)->err, SN_OK);
	gate_release(gate);
	m = material(&list, &list);
	m.policy.chain_max = 2;
	assert_int_equal(build(&m, NULL, &gate, NULL), SN_OK);
	assert_refused(look(gate, &alice), SN_ECERT, SN_TLS_ALERT_UNKNOWN_CA,
	    "chain-too-long");
	gate_release(gate);
}

static void an_issuing_authority_alone_is_trusted_as_one(void **state)
{
	struct pki_list list = list_of(1);
	struct gate_material m = { .policy = usual };
	struct gate *gate = NULL;

	(void)state;
	m.authority = pki_pem(issuing.cert, NULL);
	m.crl = pki_crl(&issuing, &list);
	assert_int_equal(build(&m, NULL, &gate, NULL), SN_OK);
	assert_int_equal(look(gate, &alice)->err, SN_OK);
	assert_int_equal(look(gate, &alice)->peer.link_count, 1);
	gate_release(gate);
}

static void an_intermediate_that_is_not_listed_has_no_list(void **state)
{
	struct pki stray = pki_ca(&root, "Stray CA");
	struct pki bob = pki_client(&stray, "bob");
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct gate *gate = usual_gate();

	(void)state;
	assert_true(sk_X509_push(chain, stray.cert));
	assert_refused(look_at(gate, bob.cert, chain, sn_clock_wall_s()),
	    SN_ECERT, SN_TLS_ALERT_CERTIFICATE_UNKNOWN, "no-crl");
	assert_refused(
	    look(gate, &bob), SN_ECERT, SN_TLS_ALERT_UNKNOWN_CA, "unknown-ca");
	sk_X509_free(chain);
	pki_free(&stray);
	pki_free(&bob);
	gate_release(gate);
}

static void what_the_client_sends_beside_never_makes_trust(void **state)
{
	struct pki own = pki_ca(NULL, "Root CA");
	struct pki mallory = pki_client(&own, "alice");
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct gate *gate = usual_gate();

	(void)state;
	assert_true(sk_X509_push(chain, own.cert));
	assert_true(sk_X509_push(chain, alice.cert));
	assert_refused(look_at(gate, mallory.cert, chain, sn_clock_wall_s()),
	    SN_ECERT, SN_TLS_ALERT_UNKNOWN_CA, "unknown-ca");
	sk_X509_free(chain);
	pki_free(&own);
	pki_free(&mallory);
	gate_release(gate);
}

static void an_expired_root_ends_what_is_below_it(void **state)
{
	struct pki_spec old = {
		.cn = "Old Root", .from = -9 * PKI_DAY, .until = 3600
	};
	struct pki short_root = pki_make(NULL, pki_ca_ext, &old);
	struct pki below = pki_ca(&short_root, "Below");
	struct pki bob = pki_client(&below, "bob");
	struct pki_list list = list_of(1);
	struct gate_material m = { .policy = usual };
	struct gate *gate = NULL;
	int64_t now = sn_clock_wall_s(), end;

	(void)state;
	m.authority = pki_pem(short_root.cert, below.cert);
	m.crl = pki_join(pki_crl(&short_root, &list), pki_crl(&below, &list));
	assert_int_equal(build(&m, NULL, &gate, NULL), SN_OK);
	assert_int_equal(look_at(gate, bob.cert, NULL, now)->err, SN_OK);
	assert_int_equal(
	    sn_cert_time(X509_get0_notAfter(short_root.cert), &end), SN_OK);
	assert_int_equal(look_at(gate, bob.cert, NULL, now)->peer.ends, end);
	assert_refused(look_at(gate, bob.cert, NULL, now + 3700), SN_EEXPIRED,
	    SN_TLS_ALERT_CERTIFICATE_EXPIRED, "expired");
	gate_release(gate);
	pki_free(&short_root);
	pki_free(&below);
	pki_free(&bob);
}

static void a_live_session_is_judged_again_by_the_new_gate(void **state)
{
	struct gate *gate = usual_gate(), *next;
	struct gate_peer peer = look(gate, &alice)->peer;
	int64_t now = sn_clock_wall_s();

	(void)state;
	assert_int_equal(gate_recheck(gate, &peer, now), SN_OK);
	assert_int_equal(gate_recheck(gate, &peer, peer.ends - 1), SN_OK);
	assert_int_equal(gate_recheck(gate, &peer, peer.ends), SN_EEXPIRED);
	next = gate_revoking(gate, 0, serial_of(&alice));
	assert_int_equal(gate_recheck(next, &peer, now), SN_EREVOKED);
	gate_release(next);
	next = gate_revoking(gate, serial_of(&issuing), 0);
	assert_int_equal(gate_recheck(next, &peer, now), SN_EREVOKED);
	gate_release(next);
	next = gate_revoking(gate, 0, serial_of(&alice) + 1);
	assert_int_equal(gate_recheck(next, &peer, now), SN_OK);
	gate_release(next);
	gate_release(gate);
}

static void a_dropped_authority_ends_its_sessions(void **state)
{
	struct pki next_ca = pki_ca(NULL, "Next CA");
	struct pki bob = pki_client(&next_ca, "bob");
	struct pki_list list = list_of(1), later = list_of(2);
	struct gate_material m = { .policy = usual };
	struct gate *both = NULL, *after = NULL;
	struct gate_peer old_peer, new_peer;
	int64_t now = sn_clock_wall_s();

	(void)state;
	/* Side by side first, then without the old one. */
	m.authority = pki_pem(issuing.cert, next_ca.cert);
	m.crl = pki_join(pki_crl(&issuing, &list), pki_crl(&next_ca, &list));
	assert_int_equal(build(&m, NULL, &both, NULL), SN_OK);
	assert_int_equal(look(both, &alice)->err, SN_OK);
	old_peer = look(both, &alice)->peer;
	assert_int_equal(look(both, &bob)->err, SN_OK);
	new_peer = look(both, &bob)->peer;
	m.authority = pki_pem(next_ca.cert, NULL);
	m.crl = pki_crl(&next_ca, &later);
	assert_int_equal(build(&m, both, &after, NULL), SN_OK);
	assert_int_equal(gate_recheck(after, &old_peer, now), SN_ECERT);
	assert_int_equal(gate_recheck(after, &new_peer, now), SN_OK);
	gate_release(both);
	gate_release(after);
	pki_free(&next_ca);
	pki_free(&bob);
}

static void an_older_list_is_refused_and_nothing_changes(void **state)
{
	struct gate *gate = gate_revoking(NULL, 0, 77), *next = NULL;
	struct pki_list older = list_of(1), same = list_of(2);
	struct gate_material m = material(&older, &older);
	struct sn_why why = { "" };

	(void)state;
	assert_int_equal(build(&m, gate, &next, &why), SN_EINVAL);
	assert_null(next);
	assert_non_null(strstr(why.text, "in force already"));
	m = material(&same, &same);
	assert_int_equal(build(&m, gate, &next, &why), SN_EINVAL);
	assert_non_null(strstr(why.text, "same number"));
	assert_int_equal(gate_crl_number(gate), 2);
	gate_release(gate);
}

static void the_numbers_and_times_of_the_lists_can_be_asked(void **state)
{
	struct pki_list a = list_of(3), b = list_of(41);
	struct gate_material m;
	struct gate *gate = NULL;
	int64_t until;

	(void)state;
	b.until = PKI_DAY;
	b.from = -60;
	m = material(&a, &b);
	assert_int_equal(build(&m, NULL, &gate, NULL), SN_OK);
	assert_int_equal(gate_crl_number(gate), 41);
	until = gate_crl_until(gate) - sn_clock_wall_s();
	assert_in_range(until, PKI_DAY - 10, PKI_DAY);
	assert_string_equal(gate_crl_at(gate, 0)->name, "CN=Root CA");
	assert_int_equal(gate_crl_at(gate, 1)->number, 41);
	assert_null(gate_crl_at(gate, 2));
	gate_release(gate);
}

static void an_authority_file_with_a_leaf_in_it_is_refused(void **state)
{
	struct pki_list list = list_of(1);
	struct gate_material m = material(&list, &list);
	struct sn_why why = { "" };
	struct gate *gate = NULL;

	(void)state;
	pki_drop(&m.authority);
	m.authority = pki_pem(issuing.cert, alice.cert);
	assert_int_equal(build(&m, NULL, &gate, &why), SN_ECERT);
	assert_non_null(strstr(why.text, "CN=alice"));
	assert_int_equal(strncmp(why.text, "tls.authority: ", 15), 0);
	assert_null(gate);
}

static void there_are_only_so_many_authorities(void **state)
{
	struct pki_list list = list_of(1);
	struct gate_material m = material(&list, &list);
	struct gate *gate = NULL;
	struct sn_why why = { "" };

	(void)state;
	for (int i = 0; i < 31; i++) {
		struct pki more = pki_ca(NULL, "One of many");

		m.authority = pki_join(m.authority, pki_pem(more.cert, NULL));
		pki_free(&more);
	}
	assert_int_equal(build(&m, NULL, &gate, &why), SN_EINVAL);
	assert_non_null(strstr(why.text, "more than 32"));
}

static void a_policy_that_lets_nobody_in_is_refused(void **state)
{
	struct pki_list list = list_of(1);
	struct gate_material m = material(&list, &list);
	struct gate *gate = NULL;

	(void)state;
	m.policy.chain_max = 1;
	assert_int_equal(build(&m, NULL, &gate, NULL), SN_EINVAL);
	m = material(&list, &list);
	m.policy.chain_max = GATE_CHAIN_MAX + 1;
	assert_int_equal(build(&m, NULL, &gate, NULL), SN_EINVAL);
	m = material(&list, &list);
	m.policy.keys = 0;
	assert_int_equal(build(&m, NULL, &gate, NULL), SN_EINVAL);
}

static void a_key_type_that_is_not_allowed_is_refused(void **state)
{
	struct pki_list list = list_of(1);
	struct gate_material m = material(&list, &list);
	struct gate *gate = NULL;

	(void)state;
	m.policy.keys = SN_CERT_P384 | SN_CERT_ED25519;
	assert_int_equal(build(&m, NULL, &gate, NULL), SN_OK);
	assert_refused(
	    look(gate, &alice), SN_ECERT, SN_TLS_ALERT_BAD_CERTIFICATE, "key");
	gate_release(gate);
}

static void explaining_says_what_would_happen(void **state)
{
	struct gate *gate = usual_gate();
	struct sn_bytes pem = pki_pem(alice.cert, issuing.cert);
	struct sn_why why = { "" };
	struct gate_peer peer;

	(void)state;
	assert_int_equal(gate_explain(gate, pem, &peer, &why), SN_OK);
	assert_non_null(strstr(why.text, "rule cn, key alice"));
	gate_release(gate);
	gate = gate_revoking(NULL, 0, serial_of(&alice));
	assert_int_equal(gate_explain(gate, pem, &peer, &why), SN_EREVOKED);
	assert_non_null(strstr(why.text, "revoked"));
	assert_string_equal(peer.subject, "CN=alice");
	assert_int_equal(
	    gate_explain(gate, sn_bytes_of("nothing"), &peer, &why), SN_EINVAL);
	pki_drop(&pem);
	gate_release(gate);
}

/* Both ends over a socket, with a gate between; the lines go to a pipe. */
static int meet(const struct gate *gate, struct sn_log_limit *limit,
    struct gate_visit *visit, struct gate_peer *peer, char *lines, size_t size)
{
	struct pki id = pki_server(&issuing, "DNS:localhost");
	struct sn_tls_identity who = { 0 };
	struct sn_bytes pem = pki_pem(id.cert, issuing.cert);
	struct sn_tls_context *s = NULL, *c = NULL;
	struct sn_tls *server = NULL, *client = NULL;
	int net[2], log[2], saved = dup(STDERR_FILENO), alert;
	enum sn_tls_result results[2];
	ssize_t n;

	who.authority = pki_pem(root.cert, NULL);
	who.certificate = pki_pem(alice.cert, issuing.cert);
	who.key = pki_key_pem(alice.key, NULL);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, net), 0);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, log), 0);
	assert_true(dup2(log[1], STDERR_FILENO) >= 0);
	visit->gate = gate;
	visit->address = "192.0.2.7:4711";
	visit->limit = limit;
	visit->peer = peer;
	assert_int_equal(sn_tls_server_new(pem, id.key, &s, NULL), SN_OK);
	assert_int_equal(sn_tls_client_new(&who, &c, NULL), SN_OK);
	assert_int_equal(
	    sn_tls_accept(s, net[0], gate_verify, visit, &server), SN_OK);
	assert_int_equal(
	    sn_tls_connect(c, net[1], "localhost", &client), SN_OK);
	for (int i = 0; i < 4; i++) {
		results[0] = sn_tls_handshake(client);
		results[1] = sn_tls_handshake(server);
	}
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	assert_int_equal(results[0], SN_TLS_OK);
	assert_int_equal(results[1] == SN_TLS_OK, visit->admitted);
	n = read(log[0], lines, size - 1);
	lines[n > 0 ? n : 0] = '\0';
	alert = sn_tls_sent(server);
	sn_tls_free(server);
	sn_tls_free(client);
	sn_tls_context_free(s);
	sn_tls_context_free(c);
	(void)close(saved);
	for (int i = 0; i < 2; i++) {
		(void)close(net[i]);
		(void)close(log[i]);
	}
	pki_drop(&pem);
	pki_drop(&who.authority);
	pki_drop(&who.certificate);
	pki_drop(&who.key);
	pki_free(&id);
	return (alert);
}

static void a_refused_handshake_is_one_line_and_the_precise_alert(void **state)
{
	struct sn_log_limit limit = { .burst = 1, .period_ns = SN_NS_PER_S };
	struct gate *gate = gate_revoking(NULL, 0, serial_of(&alice));
	struct gate_visit visit = { 0 };
	struct gate_peer peer;
	char lines[4096];

	(void)state;
	assert_int_equal(
	    meet(gate, &limit, &visit, &peer, lines, sizeof(lines)),
	    SN_TLS_ALERT_CERTIFICATE_REVOKED);
	assert_false(visit.admitted);
	assert_non_null(strstr(lines, "gate.refused reason=revoked"));
	assert_non_null(strstr(lines, "address=192.0.2.7:4711"));
	assert_non_null(strstr(lines, "subject=\"CN=alice\""));
	assert_non_null(strstr(lines, "issuer=\"CN=Issuing CA\""));
	assert_non_null(strstr(lines, peer.serial));
	/* The next one within the second is counted, not written. */
	assert_int_equal(
	    meet(gate, &limit, &visit, &peer, lines, sizeof(lines)),
	    SN_TLS_ALERT_CERTIFICATE_REVOKED);
	assert_string_equal(lines, "");
	assert_int_equal(limit.dropped, 1);
	gate_release(gate);
}

static void an_admitted_visitor_is_known_after_the_handshake(void **state)
{
	struct gate *gate = usual_gate();
	struct gate_visit visit = { 0 };
	struct gate_peer peer;
	char lines[4096];

	(void)state;
	assert_int_equal(meet(gate, NULL, &visit, &peer, lines, sizeof(lines)),
	    SN_TLS_ALERT_NONE);
	assert_true(visit.admitted);
	assert_true(visit.leaf != NULL && visit.leaf_len > 0);
	assert_memory_equal(peer.key.bytes, "alice", 5);
	free(visit.leaf);
	gate_release(gate);
}

static void a_handshake_without_a_certificate_is_a_line_too(void **state)
{
	struct gate_visit visit = { .address = "192.0.2.9:1" };
	int net[2], log[2], saved = dup(STDERR_FILENO);
	struct pki id = pki_server(&issuing, "DNS:localhost");
	struct sn_bytes pem = pki_pem(id.cert, NULL);
	struct sn_tls_context *s = NULL;
	struct sn_tls *tls = NULL;
	char line[512];
	ssize_t n;

	(void)state;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, net), 0);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, log), 0);
	assert_int_equal(sn_tls_server_new(pem, id.key, &s, NULL), SN_OK);
	assert_int_equal(
	    sn_tls_accept(s, net[0], gate_verify, &visit, &tls), SN_OK);
	assert_int_equal(write(net[1], "not a handshake", 15), 15);
	assert_int_equal(sn_tls_handshake(tls), SN_TLS_FAILED);
	assert_true(dup2(log[1], STDERR_FILENO) >= 0);
	gate_failed(&visit, tls);
	visit.refused = true; /* Then the gate has said it already. */
	gate_failed(&visit, tls);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	n = read(log[0], line, sizeof(line) - 1);
	assert_true(n > 0);
	line[n] = '\0';
	assert_non_null(strstr(line, "tls.failed address=192.0.2.9:1 sent="));
	assert_ptr_equal(strchr(line, '\n'), line + n - 1);
	sn_tls_free(tls);
	sn_tls_context_free(s);
	(void)close(saved);
	for (int i = 0; i < 2; i++) {
		(void)close(net[i]);
		(void)close(log[i]);
	}
	pki_drop(&pem);
	pki_free(&id);
}

/* The subject that is mapped by hand, and how often it was asked for. */
struct by_hand {
	uint8_t digest[SN_SUBJECT_DIGEST];
	unsigned asked;
};

static bool is_by_hand(void *arg, const uint8_t digest[SN_SUBJECT_DIGEST])
{
	struct by_hand *b = arg;

	b->asked++;
	return (memcmp(b->digest, digest, SN_SUBJECT_DIGEST) == 0);
}

static struct gate *gate_by_hand(struct by_hand *b)
{
	struct pki_list list = list_of(1);
	struct gate_material m = material(&list, &list);
	struct gate *gate = NULL;

	m.mapped = (struct gate_mapped){ is_by_hand, b };
	assert_int_equal(build(&m, NULL, &gate, NULL), SN_OK);
	return (gate);
}

static struct pki named(const char *cn, const char *san, long until)
{
	struct pki_spec spec = { .cn = cn,
		.from = until != 0 ? -120 : 0,
		.until = until,
		.ext = { { "subjectAltName", san } } };

	return (pki_leaf(&issuing, &spec));
}

static void a_subject_mapped_by_hand_comes_in_whatever_its_name(void **state)
{
	struct by_hand b = { .asked = 0 };
	struct gate *gate = gate_by_hand(&b);
	struct pki adams = named("Alice Adams", "URI:a:b", 0);
	struct pki other = named("Alice  Adams", "URI:a:b", 0);

	(void)state;
	assert_refused(look(gate, &adams), SN_ECERT,
	    SN_TLS_ALERT_BAD_CERTIFICATE, "bad-name");
	memcpy(b.digest, look(gate, &adams)->peer.digest, sizeof(b.digest));
	assert_int_equal(look(gate, &adams)->err, SN_OK);
	assert_int_equal(look(gate, &adams)->peer.key.len, 0);
	assert_refused(look(gate, &other), SN_ECERT,
	    SN_TLS_ALERT_BAD_CERTIFICATE, "bad-name");
	/* One that the rule can read is not asked for. */
	b.asked = 0;
	assert_int_equal(look(gate, &alice)->err, SN_OK);
	assert_int_equal(b.asked, 0);
	pki_free(&adams);
	pki_free(&other);
	gate_release(gate);
}

static void a_mapping_forgives_a_name_and_nothing_else(void **state)
{
	static const char *const cn = "Alice Adams";
	struct by_hand b = { .asked = 0 };
	struct gate *gate = gate_by_hand(&b);
	struct pki good = named(cn, "URI:a:b", 0);
	struct pki ended = named(cn, "URI:a:b", -1);
	struct pki torn =
	    named(cn, "URI:urn:sichernetz:account:alice:laptop", 0);
	struct pki two = named(cn,
	    "URI:urn:sichernetz:account:alice,URI:urn:sichernetz:account:bob",
	    0);
	struct pki against =
	    named("alice", "URI:urn:sichernetz:account:bob", 0);

	(void)state;
	memcpy(b.digest, look(gate, &good)->peer.digest, sizeof(b.digest));
	assert_int_equal(look(gate, &good)->err, SN_OK);
	assert_refused(look(gate, &ended), SN_EEXPIRED,
	    SN_TLS_ALERT_CERTIFICATE_EXPIRED, "expired");
	assert_refused(look(gate, &torn), SN_ECERT,
	    SN_TLS_ALERT_BAD_CERTIFICATE, "bad-urn");
	assert_refused(look(gate, &two), SN_ECERT, SN_TLS_ALERT_BAD_CERTIFICATE,
	    "two-accounts");
	memcpy(b.digest, look(gate, &alice)->peer.digest, sizeof(b.digest));
	assert_refused(look(gate, &against), SN_ECERT,
	    SN_TLS_ALERT_BAD_CERTIFICATE, "contradiction");
	pki_free(&good);
	pki_free(&ended);
	pki_free(&torn);
	pki_free(&two);
	pki_free(&against);
	gate_release(gate);
}

static int setup(void **state)
{
	(void)state;
	root = pki_ca(NULL, "Root CA");
	issuing = pki_ca(&root, "Issuing CA");
	alice = pki_client(&issuing, "alice");
	return (0);
}

static int teardown(void **state)
{
	(void)state;
	pki_free(&root);
	pki_free(&issuing);
	pki_free(&alice);
	return (0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_certificate_of_the_authority_comes_in_with_its_facts),
		cmocka_unit_test(another_authority_of_the_same_name_is_unknown),
		cmocka_unit_test(an_authority_is_nobodys_certificate),
		cmocka_unit_test(a_leaf_of_another_usage_is_told_so),
		cmocka_unit_test(
		    an_expired_certificate_is_refused_at_the_second),
		cmocka_unit_test(
		    a_certificate_may_be_five_minutes_early_and_no_more),
		cmocka_unit_test(
		    a_revoked_certificate_is_refused_and_the_next_one_is_not),
		cmocka_unit_test(a_revoked_issuing_authority_lets_nobody_in),
		cmocka_unit_test(
		    a_list_revokes_only_what_its_own_issuer_signed),
		cmocka_unit_test(
		    a_subject_mapped_by_hand_comes_in_whatever_its_name),
		cmocka_unit_test(a_mapping_forgives_a_name_and_nothing_else),
		cmocka_unit_test(an_issuer_without_a_list_is_refused),
		cmocka_unit_test(
		    a_list_past_its_time_keeps_out_until_the_grace_ends),
		cmocka_unit_test(a_list_from_the_future_is_not_in_force),
		cmocka_unit_test(a_chain_longer_than_allowed_is_refused),
		cmocka_unit_test(an_issuing_authority_alone_is_trusted_as_one),
		cmocka_unit_test(
		    an_intermediate_that_is_not_listed_has_no_list),
		cmocka_unit_test(
		    what_the_client_sends_beside_never_makes_trust),
		cmocka_unit_test(an_expired_root_ends_what_is_below_it),
		cmocka_unit_test(
		    a_live_session_is_judged_again_by_the_new_gate),
		cmocka_unit_test(a_dropped_authority_ends_its_sessions),
		cmocka_unit_test(an_older_list_is_refused_and_nothing_changes),
		cmocka_unit_test(
		    the_numbers_and_times_of_the_lists_can_be_asked),
		cmocka_unit_test(
		    an_authority_file_with_a_leaf_in_it_is_refused),
		cmocka_unit_test(there_are_only_so_many_authorities),
		cmocka_unit_test(a_policy_that_lets_nobody_in_is_refused),
		cmocka_unit_test(a_key_type_that_is_not_allowed_is_refused),
		cmocka_unit_test(explaining_says_what_would_happen),
		cmocka_unit_test(
		    a_refused_handshake_is_one_line_and_the_precise_alert),
		cmocka_unit_test(
		    an_admitted_visitor_is_known_after_the_handshake),
		cmocka_unit_test(
		    a_handshake_without_a_certificate_is_a_line_too),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
