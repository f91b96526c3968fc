#include "server/keeper/keeper_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/secret.h"
#include "server/keeper/keeper_wire.h"
#include "server/base/map.h"

/* Requests that wait for room in the socket. */
#define QUEUE_MAX 16384

struct packet {
	struct packet *next;
	size_t n;
	uint8_t bytes[];
};

struct keeper_client {
	int fd;
	struct map waiting; /* Cookie -> this client: asked, not answered. */
	struct packet *first, **tail;
	unsigned queued;
};

enum sn_err keeper_client_new(int fd, struct keeper_client **out)
{
	struct keeper_client *kc;

	if ((kc = calloc(1, sizeof(*kc))) == NULL)
		return (SN_ENOMEM);
	kc->fd = fd;
	kc->tail = &kc->first;
	*out = kc;
	return (SN_OK);
}

static void drop_first(struct keeper_client *kc)
{
	struct packet *packet = kc->first;

	if ((kc->first = packet->next) == NULL)
		kc->tail = &kc->first;
	kc->queued--;
	sn_secret_wipe(packet->bytes, packet->n);
	free(packet);
}

static void hang_up(struct keeper_client *kc)
{
	while (kc->first != NULL)
		drop_first(kc);
	if (kc->fd >= 0)
		(void)close(kc->fd);
	kc->fd = -1;
}

void keeper_client_free(struct keeper_client *kc)
{
	if (kc == NULL)
		return;
	hang_up(kc);
	map_free(&kc->waiting);
	free(kc);
}

int keeper_client_fd(const struct keeper_client *kc)
{
	return (kc->fd);
}

/* The callbacks may ask anew, so the table is put aside first. */
static void fail_all(
    struct keeper_client *kc, keeper_client_answer *answer, void *arg)
{
	struct keeper_answer failed = { .verdict = KEEPER_FAILED };
	struct map old = kc->waiting;

	memset(&kc->waiting, 0, sizeof(kc->waiting));
	for (size_t i = 0; i < old.size; i++) {
		if (old.slots[i].key == 0)
			continue;
		failed.cookie = old.slots[i].key;
		answer(arg, &failed);
	}
	map_free(&old);
}

enum sn_err keeper_client_replace_fd(
    struct keeper_client *kc, int fd, keeper_client_answer *answer, void *arg)
{
	hang_up(kc);
	kc->fd = fd;
	fail_all(kc, answer, arg);
	return (SN_OK);
}

static enum sn_err keep(struct keeper_client *kc, const uint8_t *p, size_t n)
{
	struct packet *packet = NULL;

	if (kc->queued < QUEUE_MAX)
		packet = malloc(sizeof(*packet) + n);
	if (packet == NULL)
		return (SN_EFULL);
	packet->next = NULL;
	packet->n = n;
	memcpy(packet->bytes, p, n);
	*kc->tail = packet;
	kc->tail = &packet->next;
	kc->queued++;
	return (SN_OK);
}

/* SN_EAGAIN when the socket has no room now. */
static enum sn_err put(struct keeper_client *kc, const uint8_t *p, size_t n)
{
	ssize_t sent;

	do
		sent = send(kc->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return (SN_OK);
	return (errno == EAGAIN ? SN_EAGAIN : SN_EFULL);
}

bool keeper_client_waits(const struct keeper_client *kc)
{
	return (kc->first != NULL);
}

void keeper_client_flush(struct keeper_client *kc)
{
	/* A socket that is gone says so when it is read. */
	while (kc->fd >= 0 && kc->first != NULL &&
	       put(kc, kc->first->bytes, kc->first->n) == SN_OK)
		drop_first(kc);
}

static enum sn_err ask(
    struct keeper_client *kc, const struct keeper_request *request)
{
	uint8_t packet[KEEPER_WIRE_REQUEST_MAX];
	struct sn_wr w = sn_wr_over(packet, sizeof(packet));
	enum sn_err err = SN_EAGAIN;

	if (kc == NULL || kc->fd < 0 ||
	    request->first.n > KEEPER_WIRE_BLOB_MAX ||
	    request->second.n > KEEPER_WIRE_BLOB_MAX)
		return (SN_EFULL);
	if (map_put(&kc->waiting, request->cookie, kc) != SN_OK)
		return (SN_EFULL);
	keeper_wire_request(&w, request);
	/* In the order in which they were asked. */
	if (kc->first == NULL)
		err = w.bad ? SN_EFULL : put(kc, packet, w.n);
	if (err == SN_EAGAIN)
		err = w.bad ? SN_EFULL : keep(kc, packet, w.n);
	sn_secret_wipe(packet, sizeof(packet));
	if (err != SN_OK)
		map_delete(&kc->waiting, request->cookie);
	return (err);
}

static enum sn_err ask_for(struct keeper_client *kc, enum keeper_verb verb,
    uint64_t cookie, uint64_t account, const uint8_t *fp, struct sn_bytes first,
    struct sn_bytes second)
{
	struct keeper_request request = {
		.verb = (uint8_t)verb,
		.cookie = cookie,
		.account = account,
		.first = first,
		.second = second,
	};

	if (fp != NULL)
		memcpy(request.fp, fp, sizeof(request.fp));
	return (ask(kc, &request));
}

static const struct sn_bytes nothing;

enum sn_err keeper_client_login(struct keeper_client *kc, uint64_t cookie,
    uint64_t account, const uint8_t fp[KEEPER_FINGERPRINT],
    struct sn_bytes password)
{
	return (
	    ask_for(kc, KEEPER_LOGIN, cookie, account, fp, password, nothing));
}

enum sn_err keeper_client_resume(struct keeper_client *kc, uint64_t cookie,
    uint64_t account, const uint8_t fp[KEEPER_FINGERPRINT],
    struct sn_bytes token)
{
	return (
	    ask_for(kc, KEEPER_RESUME, cookie, account, fp, token, nothing));
}

enum sn_err keeper_client_change(struct keeper_client *kc, uint64_t cookie,
    uint64_t account, const uint8_t fp[KEEPER_FINGERPRINT], struct sn_bytes old,
    struct sn_bytes fresh)
{
	return (ask_for(kc, KEEPER_CHANGE, cookie, account, fp, old, fresh));
}

enum sn_err keeper_client_logout(
    struct keeper_client *kc, uint64_t cookie, uint64_t account)
{
	return (ask_for(
	    kc, KEEPER_LOGOUT, cookie, account, NULL, nothing, nothing));
}

/* Answers nobody waits for any more are dropped. */
static void take_answer(struct keeper_client *kc, struct sn_bytes packet,
    keeper_client_answer *answer, void *arg)
{
	struct keeper_answer got;

	if (keeper_wire_parse_answer(packet, &got) != SN_OK ||
	    map_get(&kc->waiting, got.cookie) == NULL)
		return;
	map_delete(&kc->waiting, got.cookie);
	answer(arg, &got);
	sn_secret_wipe(got.token, sizeof(got.token));
}

enum sn_err keeper_client_read(
    struct keeper_client *kc, keeper_client_answer *answer, void *arg)
{
	uint8_t packet[KEEPER_WIRE_ANSWER_MAX];
	ssize_t n;

	while (kc->fd >= 0) {
		n = recv(kc->fd, packet, sizeof(packet), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return (SN_OK);
		if (n <= 0)
			return (SN_ECLOSED);
		take_answer(
		    kc, (struct sn_bytes){ packet, (size_t)n }, answer, arg);
		sn_secret_wipe(packet, (size_t)n); /* There was a token. */
	}
	return (SN_ECLOSED);
}
