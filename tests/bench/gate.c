/*
 * What the gate costs: handshakes with bare OpenSSL and with ours, over an
 * empty revocation list and over one of 100,000 entries; and what an idle
 * connection holds.  Both ends run in this process, so every handshake figure
 * is the CPU time of both.
 *
 *	make unit && build/bench/gate [HANDSHAKES]
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "lib/clock.h"
#include "server/gate/gate.h"
#include "tests/unit/pki.h"

#define ENTRIES 100000
#define IDLE 1000

static struct pki root, issuing, server, alice;

static void must(int ok, const char *what)
{
	if (!ok) {
		(void)fprintf(stderr, "%s\n", what);
		exit(1);
	}
}

static double cpu_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return ((double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3);
}

/* One that was read verifies faster than one that was made. */
static X509_CRL *as_read(X509_CRL *made)
{
	unsigned char *der = NULL;
	int n = i2d_X509_CRL(made, &der);
	const unsigned char *p = der;
	X509_CRL *crl = d2i_X509_CRL(NULL, &p, n);

	must(crl != NULL, "read back");
	X509_CRL_free(made);
	OPENSSL_free(der);
	return (crl);
}

/* A list of ${n} random serials. */
static X509_CRL *list_of(int n)
{
	struct pki_list empty = { .number = 1 };
	X509_CRL *crl = pki_build_crl(&issuing, &empty);
	ASN1_TIME *when = X509_gmtime_adj(NULL, -PKI_DAY);

	for (int i = 0; i < n; i++) {
		X509_REVOKED *r = X509_REVOKED_new();
		ASN1_INTEGER *serial = ASN1_INTEGER_new();
		unsigned char p[16];

		must(RAND_bytes(p, sizeof(p)) == 1, "random");
		p[0] = (unsigned char)((p[0] & 0x7f) | 1);
		must(ASN1_STRING_set(serial, p, sizeof(p)), "serial");
		X509_REVOKED_set_serialNumber(r, serial);
		X509_REVOKED_set_revocationDate(r, when);
		X509_CRL_add0_revoked(crl, r);
		ASN1_INTEGER_free(serial);
	}
	ASN1_TIME_free(when);
	X509_CRL_sort(crl);
	must(X509_CRL_sign(crl, issuing.key, EVP_sha256()), "sign");
	return (as_read(crl));
}

static struct sn_bytes pem_of(X509_CRL *crl)
{
	BIO *mem = BIO_new(BIO_s_mem());

	must(mem != NULL && PEM_write_bio_X509_CRL(mem, crl), "PEM");
	return (pki_take(mem));
}

static struct gate *gate_over(X509_CRL *crl)
{
	struct pki_list list = { .number = 1 };
	struct gate_material m = {
		.authority = pki_pem(root.cert, issuing.cert),
		.crl = pki_join(pem_of(crl), pki_crl(&root, &list)),
		.policy = { .chain_max = 4,
		    .keys = SN_CERT_KEYS_DEFAULT,
		    .tolerance = 300,
		    .rule = SN_SUBJECT_CN },
	};
	struct sn_why why = { "" };
	struct gate *gate = NULL;

	must(gate_new(&m, NULL, &gate, &why) == SN_OK, why.text);
	pki_drop(&m.authority);
	pki_drop(&m.crl);
	return (gate);
}

/* Bare OpenSSL: the same keys and protocol, its own verification. */
static SSL_CTX *bare_context(const struct pki *id, int is_server, X509_CRL *crl)
{
	SSL_CTX *ctx =
	    SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);

	must(SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) &&
		 SSL_CTX_use_certificate(ctx, id->cert) &&
		 SSL_CTX_add1_chain_cert(ctx, issuing.cert) &&
		 SSL_CTX_use_PrivateKey(ctx, id->key) &&
		 SSL_CTX_set1_groups_list(ctx, "X25519") &&
		 SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") &&
		 X509_STORE_add_cert(store, root.cert),
	    "context");
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(
	    ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	if (crl != NULL) {
		must(X509_STORE_add_crl(store, crl), "CRL");
		X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
	}
	return (ctx);
}

static void bare_once(SSL_CTX *s, SSL_CTX *c)
{
	SSL *a = SSL_new(s), *b = SSL_new(c);
	int fd[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0,
	    "socketpair");
	SSL_set_fd(a, fd[0]);
	SSL_set_fd(b, fd[1]);
	SSL_set_accept_state(a);
	SSL_set_connect_state(b);
	(void)SSL_do_handshake(b);
	(void)SSL_do_handshake(a);
	(void)SSL_do_handshake(b);
	must(SSL_do_handshake(a) == 1, "bare handshake");
	SSL_free(a);
	SSL_free(b);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

static double bare(int n, X509_CRL *crl)
{
	SSL_CTX *s = bare_context(&server, 1, crl);
	SSL_CTX *c = bare_context(&alice, 0, NULL);
	double begin;

	for (int i = 0; i < 20; i++)
		bare_once(s, c);
	begin = cpu_us();
	for (int i = 0; i < n; i++)
		bare_once(s, c);
	begin = cpu_us() - begin;
	SSL_CTX_free(s);
	SSL_CTX_free(c);
	return (begin / n);
}

struct ours {
	struct sn_tls_context *s;
	SSL_CTX *c; /* Bare, so that only the server's end differs. */
	struct gate *gate;
};

static void ours_once(struct ours *o)
{
	struct gate_peer peer;
	struct gate_visit visit = { .gate = o->gate, .peer = &peer };
	SSL *client = SSL_new(o->c);
	struct sn_tls *tls;
	int fd[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0,
	    "socketpair");
	must(sn_tls_accept(o->s, fd[0], gate_verify, &visit, &tls) == SN_OK,
	    "accept");
	SSL_set_fd(client, fd[1]);
	SSL_set_connect_state(client);
	(void)SSL_do_handshake(client);
	must(sn_tls_handshake(tls) == SN_TLS_WANT_READ, "first flight");
	(void)SSL_do_handshake(client);
	must(sn_tls_handshake(tls) == SN_TLS_OK && visit.admitted, "handshake");
	sn_tls_free(tls);
	SSL_free(client);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

static struct ours ours_open(struct gate *gate)
{
	struct sn_bytes chain = pki_pem(server.cert, issuing.cert);
	struct ours o = { .gate = gate };

	must(sn_tls_server_new(chain, server.key, &o.s, NULL) == SN_OK,
	    "server");
	o.c = bare_context(&alice, 0, NULL);
	must(SSL_CTX_set_alpn_protos(
		 o.c, (const unsigned char *)"\x08sicher/1", 9) == 0,
	    "ALPN");
	pki_drop(&chain);
	return (o);
}

static void ours_close(struct ours *o)
{
	sn_tls_context_free(o->s);
	SSL_CTX_free(o->c);
}

static double ours(int n, struct gate *gate)
{
	struct ours o = ours_open(gate);
	double begin;

	for (int i = 0; i < 20; i++)
		ours_once(&o);
	begin = cpu_us();
	for (int i = 0; i < n; i++)
		ours_once(&o);
	begin = cpu_us() - begin;
	ours_close(&o);
	return (begin / n);
}

static double check_alone(int n, const struct gate *gate)
{
	int64_t now = sn_clock_wall_s();
	struct gate_peer peer;
	double begin = cpu_us();

	for (int i = 0; i < n; i++)
		must(gate_check(gate, alice.cert, NULL, now, &peer, NULL) ==
			 SN_OK,
		    "check");
	return ((cpu_us() - begin) / n);
}

static double recheck_alone(int n, const struct gate *gate)
{
	int64_t now = sn_clock_wall_s();
	struct gate_peer peer;
	double begin;

	must(gate_check(gate, alice.cert, NULL, now, &peer, NULL) == SN_OK,
	    "check");
	begin = cpu_us();
	for (int i = 0; i < n; i++)
		must(gate_recheck(gate, &peer, now) == SN_OK, "recheck");
	return ((cpu_us() - begin) / n);
}

static double build_ms(X509_CRL *crl)
{
	double begin = cpu_us();

	gate_release(gate_over(crl));
	return ((cpu_us() - begin) / 1e3);
}

/* Heap that a server's connections hold once their clients are gone. */
static size_t idle_bytes(struct gate *gate)
{
	struct ours o = ours_open(gate);
	static struct sn_tls *held[IDLE];
	size_t before;

	ours_once(&o);
	before = mallinfo2().uordblks;
	for (int i = 0; i < IDLE; i++) {
		struct gate_peer peer;
		struct gate_visit visit = { .gate = gate, .peer = &peer };
		SSL *client = SSL_new(o.c);
		int fd[2];
		char byte;
		size_t n;

		must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) ==
			 0,
		    "socketpair");
		must(sn_tls_accept(o.s, fd[0], gate_verify, &visit, &held[i]) ==
			 SN_OK,
		    "accept");
		SSL_set_fd(client, fd[1]);
		SSL_set_connect_state(client);
		(void)SSL_do_handshake(client);
		(void)!sn_tls_handshake(held[i]);
		(void)SSL_do_handshake(client);
		must(sn_tls_handshake(held[i]) == SN_TLS_OK, "handshake");
		must(SSL_write(client, "x", 1) == 1, "write");
		must(sn_tls_read(held[i], &byte, 1, &n) == SN_TLS_OK, "read");
		must(sn_tls_read(held[i], &byte, 1, &n) == SN_TLS_WANT_READ,
		    "read again");
		SSL_free(client);
		(void)close(fd[1]);
		(void)close(fd[0]);
	}
	before = mallinfo2().uordblks - before;
	for (int i = 0; i < IDLE; i++)
		sn_tls_free(held[i]);
	ours_close(&o);
	return (before / IDLE);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 2000;
	X509_CRL *none, *many;
	struct gate *small, *large;
	double a, b;

	root = pki_ca(NULL, "Root CA");
	issuing = pki_ca(&root, "Issuing CA");
	server = pki_server(&issuing, "DNS:localhost");
	alice = pki_client(&issuing, "alice");
	none = list_of(0);
	many = list_of(ENTRIES);
	small = gate_over(none);
	large = gate_over(many);
	(void)printf("handshakes, CPU of both ends (n = %d):\n", n);
	(void)printf(
	    "  bare OpenSSL, no list           %8.1f us\n", bare(n, NULL));
	(void)printf("  bare OpenSSL, %d entries    %8.1f us\n", ENTRIES,
	    bare(n / 10 + 1, many));
	a = ours(n, small);
	b = ours(n, large);
	(void)printf("  ours, empty list                %8.1f us\n", a);
	(void)printf("  ours, %d entries            %8.1f us  (%+.1f %%)\n",
	    ENTRIES, b, (b / a - 1) * 100);
	(void)printf("the gate alone:\n");
	(void)printf("  a look, empty list              %8.1f us\n",
	    check_alone(n, small));
	(void)printf("  a look, %d entries          %8.1f us\n", ENTRIES,
	    check_alone(n, large));
	(void)printf("  a second look, %d entries   %8.2f us\n", ENTRIES,
	    recheck_alone(100 * n, large));
	(void)printf("  building it, %d entries     %8.1f ms\n", ENTRIES,
	    build_ms(many));
	(void)printf("an idle connection holds          %8zu bytes of heap\n",
	    idle_bytes(small));
	gate_release(small);
	gate_release(large);
	X509_CRL_free(none);
	X509_CRL_free(many);
	pki_free(&root);
	pki_free(&issuing);
	pki_free(&server);
	pki_free(&alice);
	return (0);
}
