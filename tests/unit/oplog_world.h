#ifndef TESTS_UNIT_OPLOG_WORLD_H
#define TESTS_UNIT_OPLOG_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/gate/subject_key.h"
#include "server/oplog/applier.h"
#include "server/oplog/db.h"

/* A database of its own for each test, and a log that writes one operation
 * a transaction. */
struct world {
	char dir[64];
	struct sn_store *store;
	uint64_t seq;
};

static inline int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct sn_why why = { "" };

	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/sn-apply-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(
	    db_open(w->dir, UINT64_C(1) << 24, 8, NULL, &w->store, &why),
	    SN_OK);
	*state = w;
	return (0);
}

static inline int teardown(void **state)
{
	struct world *w = *state;
	char path[128];

	sn_store_close(w->store);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", w->dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/lock.mdb", w->dir);
	(void)unlink(path);
	(void)rmdir(w->dir);
	free(w);
	return (0);
}

static inline enum sn_err run(
    struct world *w, const struct op *op, struct applied *out)
{
	uint8_t space[4096];
	struct sn_wr wr = sn_wr_over(space, sizeof(space));
	struct applier a;
	enum sn_err err;

	op_encode(op, &wr);
	assert_false(wr.bad);
	assert_int_equal(applier_begin(w->store, &a), SN_OK);
	err = applier_apply(
	    &a, (struct sn_bytes){ space, wr.n }, a.last + 1, out);
	if (err != SN_OK) {
		applier_abort(&a);
		return (err);
	}
	w->seq = a.last;
	assert_int_equal(applier_commit(&a), SN_OK);
	return (SN_OK);
}

static inline enum sn_err add(struct world *w, uint64_t id, const char *name)
{
	struct op op = { .kind = OP_ACCOUNT_ADD, .time = 1000 * id };
	struct subject_key key;
	struct applied out;

	op.account.id = id;
	(void)snprintf(op.account.name, sizeof(op.account.name), "%s", name);
	subject_key_of_name(SN_SUBJECT_CN, sn_bytes_of(name), &key);
	memcpy(op.account.subject, key.bytes, key.len);
	op.account.subject_len = key.len;
	return (run(w, &op, &out));
}

static inline enum sn_err set_state(
    struct world *w, uint64_t id, enum account_state state, uint64_t time)
{
	struct op op = { .kind = OP_ACCOUNT_STATE, .time = time };
	struct applied out;

	op.account_state.account = id;
	op.account_state.state = state;
	return (run(w, &op, &out));
}

static inline enum sn_err message(struct world *w, uint64_t from, bool direct,
    uint64_t to, uint8_t id, struct applied *out)
{
	struct op op = { .kind = OP_MESSAGE, .time = 5000 + id };

	op.message.sender = from;
	op.message.direct = direct;
	op.message.target = to;
	memset(op.message.id, id, sizeof(op.message.id));
	op.message.tail = sn_bytes_of("a tail");
	return (run(w, &op, out));
}

#endif
