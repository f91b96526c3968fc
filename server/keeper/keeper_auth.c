#include "server/keeper/keeper_auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"

/* Answers that wait for a peer that does not read. */
#define OUT_MAX 8192

/* Requests of one channel that are answered in a turn. */
#define TURN_PACKETS 32

struct packet {
	struct packet *next;
	size_t n;
	uint8_t bytes[KEEPER_WIRE_ANSWER_MAX];
};

struct channel {
	struct keeper_asker asker; /* First: an answer is given this. */
	struct sn_poll_watch watch;
	struct keeper_auth *auth;
	struct packet *first, **tail;
	unsigned waiting;
	bool broken;
};

struct keeper_auth {
	struct sn_poll *poll;
	struct keeper_vault *vault;
	struct keeper_logins *logins;
	struct channel *channels;
	unsigned count;
	uint64_t refused;
};

enum sn_err keeper_auth_new(struct sn_poll *poll, struct keeper_vault *vault,
    struct keeper_logins *logins, struct keeper_auth **out)
{
	struct keeper_auth *auth;

	if ((auth = calloc(1, sizeof(*auth))) == NULL)
		return (SN_ENOMEM);
	auth->poll = poll;
	auth->vault = vault;
	auth->logins = logins;
	*out = auth;
	return (SN_OK);
}

static int send_packet(struct channel *channel, const void *p, size_t n)
{
	ssize_t sent;

	sent = send(channel->watch.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent >= 0)
		return (1);
	if (errno == EAGAIN || errno == EINTR)
		return (0);
	channel->broken = true;
	return (-1);
}

static void keep(struct channel *channel, const void *p, size_t n)
{
	struct packet *packet = NULL;

	if (channel->waiting < OUT_MAX)
		packet = malloc(sizeof(*packet));
	if (packet == NULL) {
		channel->broken = true;
		return;
	}
	packet->next = NULL;
	packet->n = n;
	memcpy(packet->bytes, p, n);
	*channel->tail = packet;
	channel->tail = &packet->next;
	channel->waiting++;
	/* Who does not take answers is not asked for more questions. */
	sn_poll_want(channel->auth->poll, &channel->watch, false, true);
}

static void answer(struct keeper_asker *asker, const struct keeper_answer *what)
{
	struct channel *channel = (struct channel *)asker;
	uint8_t bytes[KEEPER_WIRE_ANSWER_MAX];
	struct sn_wr w = sn_wr_over(bytes, sizeof(bytes));

	if (channel->broken || channel->watch.fd < 0)
		return;
	keeper_wire_answer(&w, what);
	if (channel->first != NULL || send_packet(channel, bytes, w.n) == 0)
		keep(channel, bytes, w.n);
	sn_secret_wipe(bytes, sizeof(bytes));
}

static void drop_first(struct channel *channel)
{
	struct packet *packet = channel->first;

	if ((channel->first = packet->next) == NULL)
		channel->tail = &channel->first;
	channel->waiting--;
	sn_secret_wipe(packet, sizeof(*packet));
	free(packet);
}

static void flush(struct channel *channel)
{
	while (
	    channel->first != NULL &&
	    send_packet(channel, channel->first->bytes, channel->first->n) > 0)
		drop_first(channel);
	if (channel->first == NULL)
		sn_poll_want(channel->auth->poll, &channel->watch, true, false);
}

static void on_password(
    struct channel *channel, const struct keeper_request *request)
{
	keeper_logins_start(channel->auth->logins, &channel->asker, request);
}

/* A token cannot be guessed, so its refusal need not wait. */
static void on_resume(
    struct channel *channel, const struct keeper_request *request)
{
	struct keeper_answer what = {
		.cookie = request->cookie,
		.verdict = KEEPER_OK,
	};
	enum sn_err err;

	err = keeper_vault_resume(channel->auth->vault, request->account,
	    request->fp, request->first, sn_clock_wall_ms(), &what);
	if (err != SN_OK)
		what.verdict = err == SN_EAUTH ? KEEPER_REFUSED : KEEPER_FAILED;
	answer(&channel->asker, &what);
	sn_secret_wipe(what.token, sizeof(what.token));
}

static void on_logout(
    struct channel *channel, const struct keeper_request *request)
{
	struct keeper_answer what = {
		.cookie = request->cookie,
		.verdict = KEEPER_OK,
	};

	if (keeper_vault_epoch(channel->auth->vault, request->account) != SN_OK)
		what.verdict = KEEPER_FAILED;
	answer(&channel->asker, &what);
}

static const struct {
	unsigned blobs; /* How many may be there. */
	void (*handle)(struct channel *, const struct keeper_request *);
} verbs[KEEPER_VERB_COUNT] = {
	[KEEPER_LOGIN] = { 1, on_password },
	[KEEPER_RESUME] = { 1, on_resume },
	[KEEPER_CHANGE] = { 2, on_password },
	[KEEPER_LOGOUT] = { 0, on_logout },
};

static bool handle(struct channel *channel, struct sn_bytes packet)
{
	struct keeper_request request;

	if (keeper_wire_parse_request(packet, &request) != SN_OK ||
	    request.verb >= KEEPER_VERB_COUNT ||
	    verbs[request.verb].handle == NULL ||
	    (request.first.n > 0 && verbs[request.verb].blobs < 1) ||
	    (request.second.n > 0 && verbs[request.verb].blobs < 2))
		return (false);
	verbs[request.verb].handle(channel, &request);
	return (true);
}

/* One request; false when there is none. */
static bool receive(struct channel *channel)
{
	uint8_t packet[KEEPER_WIRE_REQUEST_MAX];
	ssize_t n;

	n = recv(channel->watch.fd, packet, sizeof(packet),
	    MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return (false);
	if (n <= 0) {
		channel->broken = true;
	} else if ((size_t)n > sizeof(packet) ||
		   !handle(channel, (struct sn_bytes){ packet, (size_t)n })) {
		channel->auth->refused++;
		channel->broken = true;
		sn_log(SN_ALARM, "keeper.auth.refused", "bytes=%zd", n);
	}
	sn_secret_wipe(packet, sizeof(packet));
	return (true);
}

static void ready(struct sn_poll_watch *watch, bool can_read, bool can_write)
{
	struct channel *channel =
	    (struct channel *)((char *)watch - offsetof(struct channel, watch));

	if (can_write && !channel->broken)
		flush(channel);
	for (int i = 0; i < TURN_PACKETS && can_read && !channel->broken &&
			channel->first == NULL && receive(channel);
	     i++)
		;
	if (can_read && can_write && channel->first != NULL)
		channel->broken = true; /* Hung up with answers waiting. */
}

static void hang_up(struct channel *channel)
{
	if (channel->watch.fd < 0)
		return;
	keeper_logins_forget(channel->auth->logins, &channel->asker);
	sn_poll_remove(channel->auth->poll, &channel->watch);
	(void)close(channel->watch.fd);
	channel->watch.fd = -1;
	while (channel->first != NULL)
		drop_first(channel);
}

static void drop_channels(struct keeper_auth *auth)
{
	for (unsigned i = 0; i < auth->count; i++)
		hang_up(&auth->channels[i]);
	free(auth->channels);
	auth->channels = NULL;
	auth->count = 0;
}

void keeper_auth_free(struct keeper_auth *auth)
{
	if (auth == NULL)
		return;
	drop_channels(auth);
	free(auth);
}

static enum sn_err add(
    struct keeper_auth *auth, struct channel *channel, int fd)
{
	channel->asker.answer = answer;
	channel->auth = auth;
	channel->tail = &channel->first;
	channel->watch.fd = fd;
	channel->watch.ready = ready;
	channel->watch.read = true;
	if (sn_poll_add(auth->poll, &channel->watch) == SN_OK)
		return (SN_OK);
	channel->watch.fd = -1;
	return (SN_EIO);
}

enum sn_err keeper_auth_channels(
    struct keeper_auth *auth, const int *fds, unsigned n)
{
	enum sn_err err = SN_OK;
	unsigned i;

	drop_channels(auth);
	auth->channels = calloc(n + 1, sizeof(*auth->channels));
	if (auth->channels == NULL)
		err = SN_ENOMEM;
	for (i = 0; i < n && err == SN_OK; i++) {
		err = add(auth, &auth->channels[i], fds[i]);
		auth->count += err == SN_OK;
	}
	if (err == SN_OK)
		return (SN_OK);
	for (i = auth->count; i < n; i++)
		(void)close(fds[i]);
	drop_channels(auth);
	return (err);
}

void keeper_auth_tend(struct keeper_auth *auth)
{
	for (unsigned i = 0; i < auth->count; i++) {
		if (auth->channels[i].broken)
			hang_up(&auth->channels[i]);
	}
}

uint64_t keeper_auth_refused(const struct keeper_auth *auth)
{
	return (auth->refused);
}
