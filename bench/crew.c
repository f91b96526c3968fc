#include "bench/crew.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/passphrase.h"

#define PATIENCE_NS (60 * SN_NS_PER_S) /* In which something must happen. */
#define QUIET_NS (SN_NS_PER_S / 2)
#define SETTLE_NS (20 * SN_NS_PER_S)
#define LOOPBACK_SOURCES 64
#define AGAIN_FIRST_MS 250
#define AGAIN_MOST_MS 32000

static struct crew *crew_of(struct conn *c)
{
	return (c->house->arg);
}

static void opened(struct conn *c)
{
	struct crew *crew = crew_of(c);

	crew->pending--;
	crew->open++;
}

static void readied(struct conn *c)
{
	crew_of(c)->ready++;
}

static void fail(struct crew *crew, enum sn_err err)
{
	if (crew->err != SN_OK)
		return;
	crew->err = err;
	crew->why = crew->house.why;
}

/* Twice as long each time, and not all at the same moment, as sicher does. */
static uint64_t again_ms(unsigned losses)
{
	uint64_t ms = AGAIN_FIRST_MS;
	uint16_t chance;

	for (unsigned i = 1; i < losses && ms < AGAIN_MOST_MS; i++)
		ms *= 2;
	sn_secret_random(&chance, sizeof(chance));
	return (ms - ms / 4 + ms / 2 * chance / UINT16_MAX);
}

/* While the crew is raised one may come again; later nobody may go. */
static void ended(struct conn *c)
{
	struct crew *crew = crew_of(c);

	if (crew->pending == 0 || !c->house->may_return) {
		fail(crew, SN_ECLOSED);
		return;
	}
	crew->returned++;
	conn_pause(c, again_ms(++c->losses));
}

static void due(struct conn *c)
{
	if (conn_dial(c, &c->house->why) != SN_OK)
		fail(crew_of(c), SN_EIO);
}

static enum sn_err read_password(
    const struct plan *plan, struct crew *crew, struct sn_why *why)
{
	struct sn_passphrase source = { .what = "password of all accounts",
		.file = plan->password_file };

	if (plan->password_file == NULL)
		return (SN_OK);
	return (sn_passphrase_read(&source, &crew->people.password, why));
}

enum sn_err crew_open(
    const struct plan *plan, struct crew *out, struct sn_why *why)
{
	struct conn_house *h = &out->house;
	enum sn_err err;

	memset(out, 0, sizeof(*out));
	out->plan = plan;
	*h = (struct conn_house){ .protocol = plan->protocol,
		.server = plan->server,
		.server_name = plan->server_name,
		.login = plan->login,
		.durable = plan->durable,
		.password = &out->people.password,
		.arg = out,
		.events = { .opened = opened,
		    .readied = readied,
		    .ended = ended,
		    .due = due } };
	if (ntohl(plan->server.sin_addr.s_addr) >> 24 == 127)
		h->sources = LOOPBACK_SOURCES;
	if ((err = people_open(plan->people, &out->people, why)) != SN_OK)
		return (err);
	if ((err = read_password(plan, out, why)) == SN_OK &&
	    plan->tokens != NULL)
		err = people_load_tokens(&out->people, plan->tokens, why);
	if (err == SN_OK && (err = sn_poll_new(&h->poll)) != SN_OK)
		err = sn_why(why, err, "cannot wait for descriptors");
	if (err != SN_OK)
		crew_free(out);
	return (err);
}

void crew_free(struct crew *crew)
{
	for (size_t i = 0; i < crew->count; i++)
		conn_cut(&crew->conns[i]);
	free(crew->conns);
	crew->conns = NULL;
	crew->count = 0;
	people_free(&crew->people);
	sn_poll_free(crew->house.poll);
	crew->house.poll = NULL;
}

enum sn_err crew_man(
    struct crew *crew, size_t count, bool shared, struct sn_why *why)
{
	size_t people = crew->people.count;

	if (count > people && !shared)
		return (sn_why(why, SN_ENOTFOUND,
		    "%zu certificates are needed, and %s has %zu; "
		    "sicher-ca issue makes more",
		    count, crew->plan->people, people));
	if ((crew->conns = calloc(count, sizeof(*crew->conns))) == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	crew->count = count;
	for (size_t i = 0; i < count; i++)
		conn_init(&crew->conns[i], &crew->house,
		    &crew->people.all[i % people], (unsigned)i,
		    (unsigned)(i / people));
	return (SN_OK);
}

enum sn_err crew_turn(struct crew *crew, int wait_ms)
{
	conn_wake_all(&crew->house);
	conn_flush_all(&crew->house);
	if (sn_poll_turn(crew->house.poll, wait_ms) != SN_OK) {
		(void)sn_why_errno(
		    &crew->house.why, SN_EIO, "cannot wait for descriptors");
		fail(crew, SN_EIO);
	}
	conn_flush_all(&crew->house);
	return (crew->err);
}

static enum sn_err late(struct crew *crew)
{
	(void)sn_why(
	    &crew->house.why, SN_ETIMEOUT, "the server did not answer in time");
	fail(crew, SN_ETIMEOUT);
	return (crew->err);
}

static enum sn_err dial(struct crew *crew, struct conn *c)
{
	enum sn_err err = conn_dial(c, &crew->house.why);

	if (err == SN_OK)
		crew->pending++;
	else
		fail(crew, err);
	return (err);
}

enum sn_err crew_raise(
    struct crew *crew, size_t from, size_t to, size_t at_once)
{
	size_t goal = crew->open + (to - from), before;
	uint64_t limit = sn_clock_mono() + PATIENCE_NS;
	enum sn_err err = SN_OK;

	crew->next = from;
	while (crew->open < goal && err == SN_OK) {
		before = crew->open;
		while (
		    err == SN_OK && crew->next < to && crew->pending < at_once)
			err = dial(crew, &crew->conns[crew->next++]);
		if (err == SN_OK)
			err = crew_turn(crew, 10);
		if (crew->open > before)
			limit = sn_clock_mono() + PATIENCE_NS;
		else if (err == SN_OK && sn_clock_mono() >= limit)
			err = late(crew);
	}
	return (err);
}

enum sn_err crew_await(struct crew *crew, size_t ready)
{
	uint64_t limit = sn_clock_mono() + PATIENCE_NS;
	enum sn_err err = SN_OK;
	size_t before;

	while (crew->ready < ready && err == SN_OK) {
		before = crew->ready;
		err = crew_turn(crew, 100);
		if (crew->ready > before)
			limit = sn_clock_mono() + PATIENCE_NS;
		else if (err == SN_OK && sn_clock_mono() >= limit)
			err = late(crew);
	}
	return (err);
}

void crew_leave(struct crew *crew)
{
	for (size_t i = 0; i < crew->count; i++)
		conn_close(&crew->conns[i]);
	crew->open = 0;
}

enum sn_err crew_settle(struct crew *crew, struct meter_reading *reading)
{
	uint64_t begin = sn_clock_mono(), quiet = begin, now = begin, cpu = 0;
	enum sn_err err;

	*reading = (struct meter_reading){ 0 };
	while (now - quiet < QUIET_NS && now - begin < SETTLE_NS) {
		if ((err = crew_turn(crew, 50)) != SN_OK ||
		    (err = meter_read(
			 &crew->plan->meter, reading, &crew->why)) != SN_OK)
			return (err);
		now = sn_clock_mono();
		if (reading->cpu_ns != cpu)
			quiet = now;
		cpu = reading->cpu_ns;
	}
	return (SN_OK);
}
