#include "server/keeper/keeper_sign.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "server/base/mailbox.h"
#include "server/keeper/provider.h"

struct channel {
	struct sn_poll_watch watch; /* First: ready() is given this. */
	struct keeper_sign *sign;
};

struct keeper_sign {
	pthread_t thread;
	struct sn_poll *poll;
	struct mailbox *mailbox;
	bool stop;
	struct keeper_key *current, *previous;
	struct channel *channels;
	unsigned channel_count;
	/* The rate, in nanoseconds of credit. */
	_Atomic uint64_t cost;
	uint64_t credit, credit_at;
	struct sn_log_limit limit;
	_Atomic uint64_t made, refused, over_rate;
};

/* One of: channels, a key, or neither: stop. */
struct message {
	struct mail mail;
	struct channel *channels;
	unsigned channel_count;
	struct keeper_key *key;
};

static bool within_rate(struct keeper_sign *sign)
{
	uint64_t now = sn_clock_mono(), cost = sign->cost;

	sign->credit += now - sign->credit_at;
	sign->credit_at = now;
	if (sign->credit > SN_NS_PER_S)
		sign->credit = SN_NS_PER_S;
	if (sign->credit < cost)
		return (false);
	sign->credit -= cost;
	return (true);
}

void keeper_sign_rate(struct keeper_sign *sign, uint64_t rate)
{
	sign->cost = rate == 0 ? 0 : SN_NS_PER_S / rate;
}

static const struct keeper_key *find(
    const struct keeper_sign *sign, const void *id)
{
	if (memcmp(sign->current->id, id, KEEPER_KEY_ID) == 0)
		return (sign->current);
	if (sign->previous != NULL &&
	    memcmp(sign->previous->id, id, KEEPER_KEY_ID) == 0)
		return (sign->previous);
	return (NULL);
}

static enum keeper_sign_error make(
    struct keeper_sign *sign, struct sn_bytes packet, uint8_t *out, size_t *n)
{
	struct sn_rd r = sn_rd_over(packet.p, packet.n);
	const void *id = sn_rd_take(&r, KEEPER_KEY_ID);
	const struct keeper_key *key;

	if (id == NULL)
		return (KEEPER_SIGN_MALFORMED);
	if ((key = find(sign, id)) == NULL)
		return (KEEPER_SIGN_NO_KEY);
	if (!within_rate(sign))
		return (KEEPER_SIGN_RATE);
	switch (
	    keeper_key_sign(key, (struct sn_bytes){ r.p, r.left }, out, n)) {
	case SN_OK:
		return (KEEPER_SIGN_OK);
	case SN_EINVAL:
		return (KEEPER_SIGN_MALFORMED);
	default:
		return (KEEPER_SIGN_FAILED);
	}
}

static void tell_refusal(struct keeper_sign *sign, enum keeper_sign_error why)
{
	static const char *const names[] = {
		[KEEPER_SIGN_OK] = "none",
		[KEEPER_SIGN_MALFORMED] = "not-a-certificate-verify",
		[KEEPER_SIGN_NO_KEY] = "no-such-key",
		[KEEPER_SIGN_RATE] = "rate",
		[KEEPER_SIGN_FAILED] = "failed",
	};
	unsigned dropped;

	atomic_fetch_add(&sign->refused, 1);
	if (why == KEEPER_SIGN_RATE)
		atomic_fetch_add(&sign->over_rate, 1);
	if (sn_log_allow(&sign->limit, &dropped))
		sn_log(SN_ALARM, "keeper.sign.refused", "reason=%s withheld=%u",
		    names[why], dropped);
}

static void serve(struct channel *channel, struct sn_bytes packet)
{
	struct keeper_sign *sign = channel->sign;
	uint8_t reply[PROVIDER_REPLY_MAX];
	size_t n = sizeof(reply) - 1;
	enum keeper_sign_error err;

	err = make(sign, packet, reply + 1, &n);
	reply[0] = (uint8_t)err;
	if (err == KEEPER_SIGN_OK)
		atomic_fetch_add(&sign->made, 1);
	else
		tell_refusal(sign, err);
	/* Who does not read its answers loses them. */
	(void)send(channel->watch.fd, reply, err == KEEPER_SIGN_OK ? n + 1 : 1,
	    MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void hang_up(struct channel *channel)
{
	if (channel->watch.fd < 0)
		return;
	sn_poll_remove(channel->sign->poll, &channel->watch);
	(void)close(channel->watch.fd);
	channel->watch.fd = -1;
}

static void ready(struct sn_poll_watch *watch, bool can_read, bool can_write)
{
	struct channel *channel = (struct channel *)watch;
	uint8_t packet[KEEPER_KEY_ID + PROVIDER_INPUT_MAX];
	ssize_t n;

	(void)can_read;
	(void)can_write;
	n = recv(watch->fd, packet, sizeof(packet), MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		hang_up(channel);
	else if ((size_t)n > sizeof(packet))
		serve(channel, (struct sn_bytes){ packet, 0 });
	else
		serve(channel, (struct sn_bytes){ packet, (size_t)n });
}

static void drop_channels(struct keeper_sign *sign)
{
	for (unsigned i = 0; i < sign->channel_count; i++)
		hang_up(&sign->channels[i]);
	free(sign->channels);
	sign->channels = NULL;
	sign->channel_count = 0;
}

static void take_channels(struct keeper_sign *sign, struct message *message)
{
	drop_channels(sign);
	sign->channels = message->channels;
	sign->channel_count = message->channel_count;
	for (unsigned i = 0; i < sign->channel_count; i++) {
		if (sn_poll_add(sign->poll, &sign->channels[i].watch) == SN_OK)
			continue;
		sn_log(SN_ALARM, "keeper.sign", "what=\"cannot watch\"");
		(void)close(sign->channels[i].watch.fd);
		sign->channels[i].watch.fd = -1;
	}
}

static void take_key(struct keeper_sign *sign, struct keeper_key *key)
{
	/* The same again must not push out the one before. */
	if (memcmp(sign->current->id, key->id, KEEPER_KEY_ID) == 0) {
		keeper_key_free(sign->current);
	} else {
		keeper_key_free(sign->previous);
		sign->previous = sign->current;
	}
	sign->current = key;
}

static void take(void *owner, struct mail *mail)
{
	struct keeper_sign *sign = owner;
	struct message *message = (struct message *)mail;

	if (message->channels != NULL)
		take_channels(sign, message);
	else if (message->key != NULL)
		take_key(sign, message->key);
	else
		sign->stop = true;
	free(message);
}

static void *run(void *arg)
{
	struct keeper_sign *sign = arg;

	while (!sign->stop && sn_poll_turn(sign->poll, -1) == SN_OK)
		;
	return (NULL);
}

static void destroy(struct keeper_sign *sign)
{
	mailbox_free(sign->mailbox);
	drop_channels(sign);
	sn_poll_free(sign->poll);
	keeper_key_free(sign->previous);
	keeper_key_free(sign->current);
	free(sign);
}

enum sn_err keeper_sign_start(
    uint64_t rate, struct keeper_key *key, struct keeper_sign **out)
{
	struct keeper_sign *sign;
	enum sn_err err;

	if ((sign = calloc(1, sizeof(*sign))) == NULL)
		return (SN_ENOMEM);
	keeper_sign_rate(sign, rate);
	sign->credit = SN_NS_PER_S;
	sign->credit_at = sn_clock_mono();
	sign->limit.burst = 1;
	sign->limit.period_ns = 10 * SN_NS_PER_S;
	if ((err = sn_poll_new(&sign->poll)) == SN_OK &&
	    (err = mailbox_new(sign->poll, sign, &sign->mailbox)) == SN_OK) {
		sign->current = key;
		if (pthread_create(&sign->thread, NULL, run, sign) == 0) {
			*out = sign;
			return (SN_OK);
		}
		sign->current = NULL; /* Still the caller's. */
		err = SN_ENOMEM;
	}
	destroy(sign);
	return (err);
}

static enum sn_err post(struct keeper_sign *sign, struct message what)
{
	struct message *message = malloc(sizeof(*message));

	if (message == NULL)
		return (SN_ENOMEM);
	*message = what;
	message->mail.run = take;
	mailbox_post(sign->mailbox, &message->mail);
	return (SN_OK);
}

void keeper_sign_stop(struct keeper_sign *sign)
{
	if (sign == NULL)
		return;
	/* Without memory for the message, the process ends with its threads. */
	if (post(sign, (struct message){ 0 }) != SN_OK)
		return;
	pthread_join(sign->thread, NULL);
	destroy(sign);
}

enum sn_err keeper_sign_channels(
    struct keeper_sign *sign, const int *fds, unsigned n)
{
	struct message message = { .channel_count = n };
	enum sn_err err = SN_ENOMEM;
	unsigned i;

	message.channels = calloc(n + 1, sizeof(*message.channels));
	for (i = 0; i < n && message.channels != NULL; i++) {
		message.channels[i].sign = sign;
		message.channels[i].watch.fd = fds[i];
		message.channels[i].watch.ready = ready;
		message.channels[i].watch.read = true;
	}
	if (message.channels != NULL)
		err = post(sign, message);
	if (err == SN_OK)
		return (SN_OK);
	free(message.channels);
	for (i = 0; i < n; i++)
		(void)close(fds[i]);
	return (err);
}

enum sn_err keeper_sign_key(struct keeper_sign *sign, struct keeper_key *key)
{
	return (post(sign, (struct message){ .key = key }));
}

struct keeper_sign_counts keeper_sign_counts(const struct keeper_sign *sign)
{
	struct keeper_sign_counts counts = {
		.made = atomic_load(&sign->made),
		.refused = atomic_load(&sign->refused),
		.over_rate = atomic_load(&sign->over_rate),
	};

	return (counts);
}
