#ifndef TESTS_UNIT_KEEPER_HOUSE_H
#define TESTS_UNIT_KEEPER_HOUSE_H

/* A real keeper in a thread, with a directory, a key and both its doors. */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>
#include <poll.h>

#include "lib/clock.h"
#include "server/keeper/keeper_client.h"
#include "server/keeper/keeper_impl.h"
#include "server/keeper/provider.h"
#include "tests/unit/pki.h"

#define HOUSE_SECRET "one-time-secret-of-many-bits"
#define HOUSE_SPACES 64
#define HOUSE_PREFIX 98

struct house {
	char dir[64];
	struct keeper_policy policy;
	struct pki ca, server;
	pthread_t thread;
	int ctl[2];
	int sign;
	struct keeper_client *client;
	enum keeper_verdict verdicts[256]; /* By cookie, and when: */
	uint64_t answered[256];
	struct keeper_answer last;
	unsigned answers;
	uint64_t cookie;
};

static const uint8_t house_laptop[32] = { 1 }, house_phone[32] = { 2 };

static int house_memfd(struct sn_bytes pem)
{
	int fd = memfd_create("pem", MFD_CLOEXEC);

	assert(fd >= 0 && write(fd, pem.p, pem.n) == (ssize_t)pem.n);
	assert(lseek(fd, 0, SEEK_SET) == 0);
	return (fd);
}

static void *house_thread(void *arg)
{
	struct house *h = arg;
	struct keeper_key_source key = { .name = "server.key" };
	struct sn_bytes pem = pki_key_pem(h->server.key, NULL);

	key.fd = house_memfd(pem);
	key.chain = pki_pem(h->server.cert, h->ca.cert);
	(void)keeper_serve(&h->policy, &key, h->ctl[1]);
	pki_drop(&pem);
	pki_drop(&key.chain);
	return (NULL);
}

static json_t *house_recv(struct house *h)
{
	static char text[CHANNEL_MESSAGE_MAX];
	ssize_t n = recv(h->ctl[0], text, sizeof(text), 0);
	json_t *v;

	assert(n > 0);
	v = json_loadb(text, (size_t)n, 0, NULL);
	assert(v != NULL);
	return (v);
}

/* Sends and waits; "" or the error's code. */
PKI_UNUSED static const char *house_ctl_fds(
    struct house *h, const char *text, const int *fds, unsigned n)
{
	static char code[64];
	json_t *v;

	assert(channel_send(h->ctl[0], sn_bytes_of(text), fds, n) == SN_OK);
	v = house_recv(h);
	code[0] = '\0';
	if (!json_is_true(json_object_get(v, "ok")))
		(void)snprintf(code, sizeof(code), "%s",
		    json_string_value(json_object_get(v, "error")));
	json_decref(v);
	return (code);
}

PKI_UNUSED static const char *house_ctl(struct house *h, const char *text)
{
	return (house_ctl_fds(h, text, NULL, 0));
}

PKI_UNUSED static long house_status(struct house *h, const char *name)
{
	json_t *v;
	long n;

	assert(channel_send(h->ctl[0],
		   sn_bytes_of("{\"id\":1,\"cmd\":\"status\"}"), NULL,
		   0) == SN_OK);
	v = house_recv(h);
	n = (long)json_integer_value(json_object_get(v, name));
	json_decref(v);
	return (n);
}

static void house_answer(void *arg, const struct keeper_answer *answer)
{
	struct house *h = arg;

	h->last = *answer;
	h->verdicts[answer->cookie % 256] = answer->verdict;
	h->answered[answer->cookie % 256] = sn_clock_mono();
	h->answers++;
}

/* New channels, as after a restart of net. */
PKI_UNUSED static void house_channels(struct house *h)
{
	int sign[2], auth[2], fds[2];

	assert(channel_pair(sign) == SN_OK && channel_pair(auth) == SN_OK);
	fds[0] = sign[1];
	fds[1] = auth[1];
	assert(*house_ctl_fds(h, "{\"id\":1,\"cmd\":\"channels\"}", fds, 2) ==
	       '\0');
	(void)close(sign[1]);
	(void)close(auth[1]);
	if (h->sign >= 0)
		(void)close(h->sign);
	h->sign = sign[0];
	if (h->client == NULL)
		assert(keeper_client_new(auth[0], &h->client) == SN_OK);
	else
		assert(keeper_client_replace_fd(
			   h->client, auth[0], house_answer, h) == SN_OK);
}

static void house_start(struct house *h)
{
	json_t *v;

	assert(channel_pair(h->ctl) == SN_OK);
	assert(pthread_create(&h->thread, NULL, house_thread, h) == 0);
	v = house_recv(h);
	assert(json_is_true(json_object_get(v, "ok")));
	json_decref(v);
	h->sign = -1;
	house_channels(h);
}

static void house_stop(struct house *h)
{
	assert(*house_ctl(h, "{\"id\":9,\"cmd\":\"stop\"}") == '\0');
	pthread_join(h->thread, NULL);
	(void)close(h->ctl[0]);
	(void)close(h->ctl[1]);
	(void)close(h->sign);
	keeper_client_free(h->client);
	h->client = NULL;
}

PKI_UNUSED static struct house *house_new(void)
{
	struct house *h = calloc(1, sizeof(*h));

	assert(h != NULL);
	(void)snprintf(h->dir, sizeof(h->dir), "/tmp/sn-keeper-XXXXXX");
	assert(mkdtemp(h->dir) != NULL);
	(void)snprintf(
	    h->policy.dir, sizeof(h->policy.dir), "%s/keeper", h->dir);
	h->policy.map_size = 1 << 22;
	h->policy.cost = (struct argon_cost){ 64, 1, 1 };
	h->policy.workers = 1;
	h->policy.queue_max = 8;
	h->policy.answer_ms = 250;
	h->policy.delays = (struct keeper_delays){ 60000, 600000, 100 };
	h->policy.secret_life_ms = 3600 * 1000;
	h->policy.token_life_ms = 3600 * 1000;
	h->ca = pki_ca(NULL, "authority");
	h->server = pki_server(&h->ca, "DNS:localhost");
	house_start(h);
	return (h);
}

PKI_UNUSED static void house_free(struct house *h)
{
	static const char *const files[] = { "keeper/data.mdb",
		"keeper/lock.mdb", "keeper", "" };
	char path[128];

	house_stop(h);
	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", h->dir, files[i]);
		(void)remove(path);
	}
	pki_free(&h->ca);
	pki_free(&h->server);
	free(h);
}

/* Many passwords on a machine with much other work take their time. */
#define HOUSE_WAIT_MS 60000

/* Waits until ${n} answers have come in all. */
PKI_UNUSED static void house_wait(struct house *h, unsigned n)
{
	while (h->answers < n) {
		struct pollfd p = { .fd = keeper_client_fd(h->client),
			.events = POLLIN };

		assert(poll(&p, 1, HOUSE_WAIT_MS) == 1);
		if (keeper_client_read(h->client, house_answer, h) != SN_OK)
			break;
	}
}

PKI_UNUSED static enum keeper_verdict house_login(
    struct house *h, uint64_t account, const uint8_t *fp, const char *password)
{
	assert(keeper_client_login(h->client, ++h->cookie, account, fp,
		   sn_bytes_of(password)) == SN_OK);
	house_wait(h, h->answers + 1);
	assert(h->last.cookie == h->cookie);
	return (h->last.verdict);
}

PKI_UNUSED static enum keeper_verdict house_change(struct house *h,
    uint64_t account, const uint8_t *fp, const char *old, const char *fresh)
{
	assert(keeper_client_change(h->client, ++h->cookie, account, fp,
		   sn_bytes_of(old), sn_bytes_of(fresh)) == SN_OK);
	house_wait(h, h->answers + 1);
	return (h->last.verdict);
}

PKI_UNUSED static enum keeper_verdict house_resume(struct house *h,
    uint64_t account, const uint8_t *fp, const struct keeper_answer *token)
{
	assert(
	    keeper_client_resume(h->client, ++h->cookie, account, fp,
		(struct sn_bytes){ token->token, token->token_len }) == SN_OK);
	house_wait(h, h->answers + 1);
	return (h->last.verdict);
}

/* A signing request for the server's key; returns its length. */
PKI_UNUSED static size_t house_request(
    const struct house *h, const char *context, size_t hash, uint8_t *out)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(h->server.key, &der);

	assert(len > 0 && EVP_Digest(der, (size_t)len, out, NULL, EVP_sha256(),
			      NULL) == 1);
	OPENSSL_free(der);
	memset(out + 32, ' ', HOUSE_SPACES);
	memcpy(out + 32 + HOUSE_SPACES, context, strlen(context) + 1);
	memset(out + 32 + HOUSE_SPACES + strlen(context) + 1, 7, hash);
	return (32 + HOUSE_SPACES + strlen(context) + 1 + hash);
}

PKI_UNUSED static ssize_t house_sign(
    struct house *h, const uint8_t *request, size_t n, uint8_t *reply)
{
	assert(send(h->sign, request, n, 0) == (ssize_t)n);
	return (recv(h->sign, reply, PROVIDER_REPLY_MAX, 0));
}

#endif
