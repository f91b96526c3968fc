/*
 * The seam of the log: the same operations through the log that LMDB keeps
 * and through one that is kept elsewhere give the same rows.
 */
#include <limits.h>
#include <pthread.h>

#include "server/oplog/op.h"
#include "tests/unit/oplog_world.h"
#include "tests/unit/oplog_scripted.h"
#include "server/oplog/oplog_embedded.h"

#define OPS 1500
#define PEOPLE 6
#define ROOMS 5
#define IDS 40

/* One log with its database, and what became of each operation. */
struct side {
	char dir[64];
	struct oplog *log;
	struct sn_store *store; /* The embedded one's. */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct {
		bool answered;
		enum sn_err err;
		struct applied applied;
	} of[OPS];
	struct scripted scripted;
};

static void take_answer(void *arg, struct oplog_batch *batch)
{
	struct side *side = arg;

	atomic_store(&batch->holders, 1);
	pthread_mutex_lock(&side->lock);
	for (struct oplog_request *q = batch->first; q != NULL; q = q->next) {
		side->of[q->ref].answered = true;
		side->of[q->ref].err = q->err;
		side->of[q->ref].applied = q->applied;
	}
	pthread_cond_signal(&side->wake);
	pthread_mutex_unlock(&side->lock);
	oplog_release(batch);
}

static void await(struct side *side, size_t i)
{
	if (side->store == NULL) {
		while (!side->of[i].answered)
			scripted_turn(&side->scripted);
		return;
	}
	pthread_mutex_lock(&side->lock);
	while (!side->of[i].answered)
		pthread_cond_wait(&side->wake, &side->lock);
	pthread_mutex_unlock(&side->lock);
}

static struct side *new_side(void)
{
	struct side *side = calloc(1, sizeof(*side));

	assert_non_null(side);
	(void)snprintf(side->dir, sizeof(side->dir), "/tmp/sn-seam-XXXXXX");
	assert_non_null(mkdtemp(side->dir));
	pthread_mutex_init(&side->lock, NULL);
	pthread_cond_init(&side->wake, NULL);
	return (side);
}

static struct side *embedded_side(bool with_journal)
{
	struct side *side = new_side();
	struct oplog_embedded_options options = { .batch_max = 64,
		.queue_max = 1 << 24,
		.dir = with_journal ? side->dir : NULL };
	struct sn_why why = { "" };

	assert_int_equal(
	    db_open(side->dir, UINT64_C(1) << 26, 8, NULL, &side->store, &why),
	    SN_OK);
	assert_int_equal(oplog_embedded_start(side->store, &options,
			     take_answer, side, &side->log, &why),
	    SN_OK);
	return (side);
}

static struct side *scripted_side(uint32_t seed)
{
	struct side *side = new_side();
	struct scripted *s = &side->scripted;

	s->oplog.backend = &scripted_backend;
	s->dir = side->dir;
	s->sink = take_answer;
	s->arg = side;
	s->chance = seed;
	scripted_open(s);
	side->log = &s->oplog;
	return (side);
}

static void free_side(struct side *side)
{
	char path[128];

	oplog_stop(side->log);
	sn_store_close(
	    side->store != NULL ? side->store : side->scripted.store);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", side->dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/lock.mdb", side->dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/journal", side->dir);
	(void)unlink(path);
	(void)rmdir(side->dir);
	free(side);
}

/* The place that an operation got on this side; 0 when it got none. */
static uint64_t place_of(struct side *side, size_t i)
{
	await(side, i);
	return (side->of[i].err == SN_OK ? side->of[i].applied.seq : 0);
}

/* An operation to both; where it names places, to each its own. */
struct step {
	struct op op;
	size_t names[4]; /* Earlier operations that it names. */
	size_t name_count;
	uint8_t seqs[32];
	char texts[2][32];
};

static void submit(struct side *side, struct step *step, size_t i)
{
	struct sn_wr w = sn_wr_over(step->seqs, sizeof(step->seqs));
	struct oplog_request *q;

	for (size_t n = 0; n < step->name_count; n++)
		sn_wr_u64(&w, place_of(side, step->names[n]));
	if (step->op.kind == OP_FORGET)
		step->op.forget.seqs = (struct sn_bytes){ step->seqs, w.n };
	if (step->op.kind == OP_PURGE)
		step->op.purge.to = place_of(side, step->names[0]);
	assert_int_equal(oplog_request_new(&step->op, &q), SN_OK);
	q->ref = i;
	q->kind = step->op.kind;
	assert_int_equal(oplog_submit(side->log, q), SN_OK);
}

static void draw_account(struct step *step, uint64_t id)
{
	struct account *a = &step->op.account;
	struct subject_key key;

	step->op.kind = OP_ACCOUNT_ADD;
	a->id = id;
	(void)snprintf(
	    a->name, sizeof(a->name), "p%llu", (unsigned long long)id);
	subject_key_of_name(SN_SUBJECT_CN, sn_bytes_of(a->name), &key);
	memcpy(a->subject, key.bytes, key.len);
	a->subject_len = key.len;
}

static void draw_message(struct step *step, uint32_t *chance)
{
	struct op_message *m = &step->op.message;

	step->op.kind = OP_MESSAGE;
	m->sender = 1 + scripted_draw(chance, PEOPLE + 1);
	m->direct = scripted_draw(chance, 2) == 0;
	m->target =
	    1 + scripted_draw(chance, m->direct ? PEOPLE + 1 : ROOMS + 9);
	if (scripted_draw(chance, 3) == 0)
		m->expires = 1 + scripted_draw(chance, 1000);
	/* Few ids, so that many are sent again. */
	memset(m->id, (int)scripted_draw(chance, IDS), sizeof(m->id));
	(void)snprintf(step->texts[0], sizeof(step->texts[0]), "body %u",
	    scripted_draw(chance, 1000000));
	m->tail = sn_bytes_of(step->texts[0]);
}

static void draw_room(struct step *step, uint32_t *chance)
{
	struct op_room_create *c = &step->op.room_create;

	step->op.kind = OP_ROOM_CREATE;
	c->creator = 1 + scripted_draw(chance, PEOPLE);
	c->open = scripted_draw(chance, 2) == 0;
	(void)snprintf(step->texts[0], sizeof(step->texts[0]), "#r%u",
	    scripted_draw(chance, ROOMS));
	c->name = sn_bytes_of(step->texts[0]);
	c->topic = sn_bytes_of("");
	c->limit = ROOMS;
	c->account_limit = ROOMS;
}

static void draw_member(struct step *step, uint32_t *chance)
{
	struct op_room_member *m = &step->op.room_member;

	step->op.kind = OP_ROOM_MEMBER;
	m->room = 1 + scripted_draw(chance, ROOMS + 9);
	m->account = 1 + scripted_draw(chance, PEOPLE);
	m->change = scripted_draw(chance, 4);
	m->by = m->change == OP_JOIN || m->change == OP_LEAVE
		    ? m->account
		    : 1 + scripted_draw(chance, PEOPLE);
	m->limit = PEOPLE - 1;
	m->account_limit = ROOMS;
}

static void draw_limit(struct step *step, uint32_t *chance)
{
	struct op_limit *l = &step->op.limit;

	step->op.kind = OP_LIMIT;
	l->of = USAGE_ACCOUNT;
	l->id = scripted_draw(chance, PEOPLE + 2);
	l->set = scripted_draw(chance, 3) != 0;
	l->limit.bytes = 500 + scripted_draw(chance, 8000);
}

static void draw(struct step *step, size_t i, uint32_t *chance)
{
	uint32_t what = scripted_draw(chance, 100);

	memset(step, 0, sizeof(*step));
	step->op.time = 1000 + i;
	if (i < PEOPLE) {
		draw_account(step, i + 1);
	} else if (what < 60) {
		draw_message(step, chance);
	} else if (what < 68) {
		draw_room(step, chance);
	} else if (what < 84) {
		draw_member(step, chance);
	} else if (what < 88) {
		draw_limit(step, chance);
	} else if (what < 90) {
		step->op.kind = OP_ACCOUNT_STATE;
		step->op.account_state.account =
		    1 + scripted_draw(chance, PEOPLE);
		step->op.account_state.state = scripted_draw(chance, 2);
	} else if (what < 97) {
		step->op.kind = OP_FORGET;
		step->name_count = 1 + scripted_draw(chance, 4);
		for (size_t n = 0; n < step->name_count; n++)
			step->names[n] = scripted_draw(chance, (uint32_t)i);
	} else {
		step->op.kind = OP_PURGE;
		step->op.purge.rows = 1 + scripted_draw(chance, 30);
		step->names[0] = scripted_draw(chance, (uint32_t)i);
	}
}

/* Which operation a place was: the same on both sides, as places are not. */
static uint64_t index_of(struct side *side, uint64_t seq)
{
	for (size_t i = 0; i < OPS; i++) {
		if (side->of[i].err == SN_OK &&
		    !side->of[i].applied.duplicate &&
		    side->of[i].applied.seq == seq)
			return (i + 1);
	}
	return (0);
}

static void put(FILE *to, struct sn_bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		(void)fprintf(to, "%02x", ((const uint8_t *)b.p)[i]);
}

static void put_index(struct side *side, FILE *to, struct sn_rd *r)
{
	(void)fprintf(
	    to, " @%llu", (unsigned long long)index_of(side, sn_rd_u64(r)));
}

/* A row of the log: operations that name places name other operations. */
static void put_op(struct side *side, FILE *to, struct sn_bytes row)
{
	struct sn_rd r;
	struct op op;

	assert_int_equal(op_decode(row, &op), SN_OK);
	if (op.kind == OP_FORGET) {
		r = sn_rd_over(op.forget.seqs.p, op.forget.seqs.n);
		while (r.left > 0)
			put_index(side, to, &r);
	} else if (op.kind == OP_PURGE) {
		(void)fprintf(to, " to @%llu",
		    (unsigned long long)index_of(side, op.purge.to));
	} else {
		put(to, row);
	}
}

static void put_row(struct side *side, FILE *to, struct sn_txn *txn,
    enum db_table t, struct sn_bytes key, struct sn_bytes value)
{
	struct sn_rd k = sn_rd_over(key.p, key.n);
	struct sn_rd v = sn_rd_over(value.p, value.n);
	struct room_member m;
	uint64_t a, b;

	(void)fprintf(to, "%s ", db_table_name(t));
	switch (t) {
	case DB_LOG:
		put_index(side, to, &k);
		put_op(side, to, value);
		break;
	case DB_ROOM_INDEX:
	case DB_EXPIRES:
		a = sn_rd_u64(&k);
		(void)fprintf(to, "%llu", (unsigned long long)a);
		put_index(side, to, &k);
		break;
	case DB_DEDUPE:
		put(to, key);
		put_index(side, to, &v);
		(void)fprintf(to, " %llu", (unsigned long long)sn_rd_u64(&v));
		break;
	case DB_ACCOUNT_ROOMS:
		put(to, key);
		put_index(side, to, &v);
		break;
	case DB_MEMBERS:
		put(to, key);
		a = sn_rd_u64(&k);
		b = sn_rd_u64(&k);
		assert_int_equal(room_member(txn, a, b, &m), SN_OK);
		(void)fprintf(to, " %d @%llu", m.role,
		    (unsigned long long)index_of(side, m.joined));
		break;
	default:
		put(to, key);
		(void)fputc(' ', to);
		put(to, value);
		break;
	}
	(void)fputc('\n', to);
}

/* What is of one log alone: places and what is made of them, its journal. */
static bool is_of_one_log(enum db_table t, struct sn_bytes key)
{
	return (t == DB_META &&
		(sn_bytes_equal(key, sn_bytes_of(DB_META_LAST_SEQ)) ||
		    sn_bytes_equal(key, sn_bytes_of(DB_META_PURGED)) ||
		    sn_bytes_equal(key, sn_bytes_of(DB_META_JOURNAL)) ||
		    sn_bytes_equal(key, sn_bytes_of(DB_META_LOG_SUM))));
}

static int by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return (strcmp(*x, *y));
}

static char *sorted(char *text)
{
	size_t n = 0, cap = 1, size = strlen(text) + 1;
	char **lines, *out = malloc(size), *at = out;

	for (const char *p = text; *p != '\0'; p++)
		cap += *p == '\n';
	lines = calloc(cap, sizeof(*lines));
	assert_non_null(lines);
	for (char *save, *l = strtok_r(text, "\n", &save); l != NULL;
	     l = strtok_r(NULL, "\n", &save))
		lines[n++] = l;
	qsort(lines, n, sizeof(*lines), by_text);
	for (size_t i = 0; i < n; i++)
		at += sprintf(at, "%s\n", lines[i]);
	free(lines);
	free(text);
	return (out);
}

/* All that the database says, in words that do not depend on the log. */
static char *dump(struct side *side)
{
	struct sn_store *store =
	    side->store != NULL ? side->store : side->scripted.store;
	struct sn_bytes key, value;
	struct sn_cursor *c;
	struct sn_txn *txn;
	char *text = NULL;
	size_t n;
	FILE *to = open_memstream(&text, &n);
	enum sn_err err;

	assert_int_equal(sn_txn_read(store, &txn), SN_OK);
	for (enum db_table t = DB_META; t < DB_TABLE_COUNT; t++) {
		assert_int_equal(sn_cursor_open(txn, t, &c), SN_OK);
		for (err = sn_cursor_first(c, &key, &value); err == SN_OK;
		     err = sn_cursor_next(c, &key, &value)) {
			if (!is_of_one_log(t, key))
				put_row(side, to, txn, t, key, value);
		}
		sn_cursor_close(c);
	}
	sn_txn_abort(txn);
	assert_int_equal(fclose(to), 0);
	return (sorted(text));
}

static void compare_answers(struct side *a, struct side *b)
{
	unsigned duplicates = 0, refused = 0;

	for (size_t i = 0; i < OPS; i++) {
		await(a, i);
		await(b, i);
		assert_int_equal(a->of[i].err, b->of[i].err);
		refused += a->of[i].err != SN_OK;
		if (a->of[i].err != SN_OK)
			continue;
		assert_int_equal(
		    a->of[i].applied.duplicate, b->of[i].applied.duplicate);
		duplicates += a->of[i].applied.duplicate;
		assert_int_equal(index_of(a, a->of[i].applied.seq),
		    index_of(b, b->of[i].applied.seq));
	}
	/* The script has something of everything. */
	assert_true(duplicates > 20);
	assert_true(refused > 100);
}

static void both_logs_give_the_same_rows(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 6; seed++) {
		struct side *a = embedded_side(seed % 2 == 0),
			    *b = scripted_side(seed);
		uint32_t chance = seed * 7919;
		char *one, *other, *again;
		struct step step;

		for (size_t i = 0; i < OPS; i++) {
			draw(&step, i, &chance);
			submit(a, &step, i);
			submit(b, &step, i);
		}
		compare_answers(a, b);
		oplog_settle(a->log, UINT_MAX);
		assert_true(oplog_settled(a->log, oplog_head(a->log)));
		one = dump(a);
		other = dump(b);
		assert_string_equal(one, other);
		assert_true(b->scripted.restarts > 5);
		assert_true(b->scripted.repeats > 50);

		/* The whole log once more changes nothing. */
		b->scripted.next = 0;
		while (b->scripted.next < b->scripted.count)
			scripted_turn(&b->scripted);
		again = dump(b);
		assert_string_equal(other, again);
		free(one);
		free(other);
		free(again);
		free_side(a);
		free_side(b);
	}
}

static void damage_usage(struct side *side, uint64_t account)
{
	struct db_key key = db_key2(USAGE_ACCOUNT, account);
	struct sn_txn *txn;

	assert_int_equal(sn_txn_write(side->store, &txn), SN_OK);
	assert_int_equal(sn_txn_put(txn, DB_USAGE, db_bytes(&key),
			     sn_bytes_of("no such record")),
	    SN_OK);
	assert_int_equal(sn_txn_commit(txn), SN_OK);
}

/* Whether they come into one transaction or not. */
static void a_damaged_record_fails_those_alone_who_need_it(void **state)
{
	struct side *side = embedded_side(*(bool *)*state);
	struct step step;
	size_t i = 0;

	for (; i < 3; i++) {
		memset(&step, 0, sizeof(step));
		draw_account(&step, i + 1);
		submit(side, &step, i);
		await(side, i);
	}
	damage_usage(side, 2);
	for (; i < 60; i++) {
		memset(&step, 0, sizeof(step));
		step.op.kind = OP_MESSAGE;
		step.op.message.sender = 1 + i % 3;
		step.op.message.direct = true;
		step.op.message.target = 1;
		memset(step.op.message.id, (int)i, SN_FRAME_ID);
		step.op.message.tail = sn_bytes_of("a tail");
		submit(side, &step, i);
	}
	for (size_t n = 3; n < i; n++) {
		await(side, n);
		assert_int_equal(
		    side->of[n].err, n % 3 == 1 ? SN_ECORRUPT : SN_OK);
	}
	free_side(side);
}

int main(void)
{
	static bool with_journal = true, without = false;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_logs_give_the_same_rows),
		cmocka_unit_test_prestate(
		    a_damaged_record_fails_those_alone_who_need_it, &without),
		cmocka_unit_test_prestate(
		    a_damaged_record_fails_those_alone_who_need_it,
		    &with_journal),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
