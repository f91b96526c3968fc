#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/record.h"
#include "server/net/backlog.h"
#include "server/oplog/apply_room.h"
#include "server/oplog/db.h"
#include "server/oplog/db_migrate.h"
#include "server/oplog/db_walk.h"
#include "server/oplog/message.h"
#include "server/gate/subject_key.h"
#include "tests/unit/oplog_world.h"

static void a_message_is_stored_once_and_answers_with_its_first_place(
    void **state)
{
	struct world *w = *state;
	struct applied first, again;

	assert_int_equal(add(w, 1, "alice"), SN_OK);
	assert_int_equal(add(w, 2, "bob"), SN_OK);
	assert_int_equal(message(w, 1, true, 2, 7, &first), SN_OK);
	assert_false(first.duplicate);
	assert_int_equal(message(w, 1, true, 2, 8, &again), SN_OK);
	assert_false(again.duplicate);
	assert_int_equal(message(w, 1, true, 2, 7, &again), SN_OK);
	assert_true(again.duplicate);
	assert_int_equal(again.seq, first.seq);
	assert_int_equal(again.time, first.time);
	/* Another sender's same id is another message. */
	assert_int_equal(message(w, 2, true, 1, 7, &again), SN_OK);
	assert_false(again.duplicate);
}

static void nobody_sends_to_the_unknown_the_disabled_or_the_deleted(
    void **state)
{
	struct world *w = *state;
	struct applied out;

	assert_int_equal(add(w, 1, "alice"), SN_OK);
	assert_int_equal(add(w, 2, "bob"), SN_OK);
	assert_int_equal(message(w, 1, true, 9, 1, &out), SN_ENOTFOUND);
	assert_int_equal(message(w, 1, true, 2, 1, &out), SN_OK);
	assert_int_equal(set_state(w, 2, ACCOUNT_DISABLED, 1), SN_OK);
	assert_int_equal(message(w, 1, true, 2, 2, &out), SN_ENOTFOUND);
	/* Nor does the disabled send. */
	assert_int_equal(message(w, 2, true, 1, 3, &out), SN_EDENIED);
	assert_int_equal(set_state(w, 2, ACCOUNT_DELETED, 2), SN_OK);
	assert_int_equal(message(w, 1, true, 2, 4, &out), SN_ENOTFOUND);
	assert_int_equal(set_state(w, 2, ACCOUNT_ACTIVE, 3), SN_ENOTFOUND);
}

static void an_account_id_is_never_used_again(void **state)
{
	struct world *w = *state;

	assert_int_equal(add(w, 5, "alice"), SN_OK);
	assert_int_equal(add(w, 5, "bob"), SN_EINVAL);
	assert_int_equal(add(w, 4, "bob"), SN_EINVAL);
	assert_int_equal(add(w, 6, "alice"), SN_EEXISTS);
	assert_int_equal(add(w, 6, "bob"), SN_OK);
}

static void a_deleted_name_is_free_and_its_subject_has_a_tombstone(void **state)
{
	struct world *w = *state;
	struct subject_key key;
	struct account account;
	struct sn_txn *txn;
	uint64_t when;

	assert_int_equal(add(w, 1, "alice"), SN_OK);
	assert_int_equal(set_state(w, 1, ACCOUNT_DELETED, 90000), SN_OK);
	assert_int_equal(add(w, 2, "alice"), SN_OK);
	/* A clock that went back does not move the tombstone back. */
	assert_int_equal(set_state(w, 2, ACCOUNT_DELETED, 50000), SN_OK);
	subject_key_of_name(SN_SUBJECT_CN, sn_bytes_of("alice"), &key);
	assert_int_equal(sn_txn_read(w->store, &txn), SN_OK);
	assert_int_equal(
	    account_tombstone(txn, subject_key_bytes(&key), &when), SN_OK);
	assert_int_equal(when, 90);
	assert_int_equal(
	    account_of_subject(txn, subject_key_bytes(&key), &account),
	    SN_ENOTFOUND);
	sn_txn_abort(txn);
}

static enum sn_err bind_device(
    struct world *w, uint64_t account, uint8_t print, uint64_t limit)
{
	struct op op = { .kind = OP_DEVICE_BIND, .time = 1 };
	struct applied out;

	op.device_bind.device.account = account;
	memset(op.device_bind.device.fingerprint, print, DEVICE_FINGERPRINT);
	op.device_bind.limit = limit;
	return (run(w, &op, &out));
}

/* ${key} is the whole of it, its rule's byte included. */
static enum sn_err map(
    struct world *w, bool on, uint64_t account, const void *key, size_t n)
{
	struct op op = { .kind = on ? OP_SUBJECT_MAP : OP_SUBJECT_UNMAP,
		.time = 7000 };
	struct applied out;

	if (on) {
		op.subject_map.account = account;
		memcpy(op.subject_map.key, key, n);
		op.subject_map.key_len = n;
		op.subject_map.time = op.time;
		(void)snprintf(op.subject_map.text, sizeof(op.subject_map.text),
		    "CN=Somebody");
	} else {
		op.subject_unmap.account = account;
		op.subject_unmap.key = (struct sn_bytes){ key, n };
	}
	return (run(w, &op, &out));
}

static uint64_t leads_to(struct world *w, const void *key, size_t n)
{
	struct account a = { .id = 0 };
	struct sn_txn *txn;
	enum sn_err err;

	assert_int_equal(sn_txn_read(w->store, &txn), SN_OK);
	err = account_of_subject(txn, (struct sn_bytes){ key, n }, &a);
	sn_txn_abort(txn);
	assert_true(err == SN_OK || err == SN_ENOTFOUND);
	return (err == SN_OK ? a.id : 0);
}

static void a_subject_is_mapped_to_one_account_and_back(void **state)
{
	struct world *w = *state;
	uint8_t dn[33] = { SN_SUBJECT_DN, 1, 2, 3 };
	uint8_t other[33] = { SN_SUBJECT_DN, 1, 2, 4 };

	assert_int_equal(add(w, 1, "alice"), SN_OK);
	assert_int_equal(add(w, 2, "bob"), SN_OK);
	assert_int_equal(map(w, true, 1, dn, sizeof(dn)), SN_OK);
	assert_int_equal(leads_to(w, dn, sizeof(dn)), 1);
	assert_int_equal(leads_to(w, other, sizeof(other)), 0);
	assert_int_equal(map(w, true, 2, dn, sizeof(dn)), SN_EEXISTS);
	assert_int_equal(map(w, true, 1, dn, sizeof(dn)), SN_EEXISTS);
	assert_int_equal(map(w, true, 9, other, sizeof(other)), SN_ENOTFOUND);
	assert_int_equal(map(w, false, 2, dn, sizeof(dn)), SN_ENOTFOUND);
	assert_int_equal(map(w, false, 1, other, sizeof(other)), SN_ENOTFOUND);
	assert_int_equal(leads_to(w, dn, sizeof(dn)), 1);
	assert_int_equal(map(w, false, 1, dn, sizeof(dn)), SN_OK);
	assert_int_equal(leads_to(w, dn, sizeof(dn)), 0);
	assert_int_equal(map(w, true, 2, dn, sizeof(dn)), SN_OK);
	assert_int_equal(leads_to(w, dn, sizeof(dn)), 2);
}

static void the_name_an_account_was_made_with_cannot_be_unmapped(void **state)
{
	struct world *w = *state;
	static const char name[] = "\1alice"; /* SN_SUBJECT_CN. */

	assert_int_equal(add(w, 1, "alice"), SN_OK);
	assert_int_equal(leads_to(w, name, 6), 1);
	assert_int_equal(map(w, false, 1, name, 6), SN_ENOTFOUND);
	assert_int_equal(leads_to(w, name, 6), 1);
}

static void a_key_that_no_certificate_has_is_not_mapped(void **state)
{
	struct world *w = *state;
	uint8_t key[40] = { SN_SUBJECT_DN };

	assert_int_equal(add(w, 1, "alice"), SN_OK);
	assert_int_equal(map(w, true, 1, key, 32), SN_EINVAL);
	assert_int_equal(map(w, true, 1, key, 34), SN_EINVAL);
	assert_int_equal(map(w, true, 1, key, 1), SN_EINVAL);
	key[0] = 0;
	assert_int_equal(map(w, true, 1, key, 33), SN_EINVAL);
	key[0] = SN_SUBJECT_SAN_URI;
	assert_int_equal(map(w, true, 1, key, 34), SN_OK);
}

static void deleting_an_account_buries_what_was_mapped_to_it(void **state)
{
	struct world *w = *state;
	uint8_t one[33] = { SN_SUBJECT_DN, 1 }, two[33] = { SN_SUBJECT_DN, 2 };
	uint8_t bobs[33] = { SN_SUBJECT_DN, 3 };
	struct sn_txn *txn;
	uint64_t when;

	assert_int_equal(add(w, 1, "alice"), SN_OK);
	assert_int_equal(add(w, 2, "bob"), SN_OK);
	assert_int_equal(map(w, true, 1, one, sizeof(one)), SN_OK);
	assert_int_equal(map(w, true, 1, two, sizeof(two)), SN_OK);
	assert_int_equal(map(w, true, 2, bobs, sizeof(bobs)), SN_OK);
	assert_int_equal(set_state(w, 1, ACCOUNT_DELETED, 50000), SN_OK);
	assert_int_equal(leads_to(w, one, sizeof(one)), 0);
	assert_int_equal(leads_to(w, two, sizeof(two)), 0);
	assert_int_equal(leads_to(w, bobs, sizeof(bobs)), 2);
	assert_int_equal(sn_txn_read(w->store, &txn), SN_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    account_tombstone(
			txn, (struct sn_bytes){ i ? two : one, 33 }, &when),
		    SN_OK);
		assert_int_equal(when, 50);
	}
	assert_int_equal(account_tombstone(txn,
			     (struct sn_bytes){ bobs, sizeof(bobs) }, &when),
	    SN_OK);
	assert_int_equal(when, 0);
	sn_txn_abort(txn);
	assert_int_equal(map(w, true, 1, one, sizeof(one)), SN_ENOTFOUND);
}

static void a_device_is_bound_to_one_account_for_ever(void **state)
{
	struct world *w = *state;

	assert_int_equal(add(w, 1, "alice"), SN_OK);
	assert_int_equal(add(w, 2, "bob"), SN_OK);
	assert_int_equal(bind_device(w, 1, 0xaa, 2), SN_OK);
	assert_int_equal(bind_device(w, 1, 0xaa, 2), SN_OK);
	assert_int_equal(bind_device(w, 2, 0xaa, 2), SN_EEXISTS);
	assert_int_equal(set_state(w, 1, ACCOUNT_DELETED, 9), SN_OK);
	assert_int_equal(bind_device(w, 2, 0xaa, 2), SN_EEXISTS);
}

static void an_account_has_no_more_devices_than_its_limit(void **state)
{
	struct world *w = *state;

	assert_int_equal(add(w, 1, "alice"), SN_OK);
	assert_int_equal(bind_device(w, 1, 1, 2), SN_OK);
	assert_int_equal(bind_device(w, 1, 2, 2), SN_OK);
	assert_int_equal(bind_device(w, 1, 3, 2), SN_ELIMIT);
}

static enum sn_err create(
    struct world *w, uint64_t by, bool open, struct applied *out)
{
	struct op op = { .kind = OP_ROOM_CREATE, .time = 1 };

	op.room_create.creator = by;
	op.room_create.open = open;
	op.room_create.name = sn_bytes_of(open ? "#open" : "#closed");
	op.room_create.topic = sn_bytes_of("");
	op.room_create.limit = 2;
	op.room_create.account_limit = 2;
	return (run(w, &op, out));
}

static enum sn_err member(struct world *w, uint64_t room, uint64_t account,
    uint64_t by, enum op_member_change change)
{
	struct op op = { .kind = OP_ROOM_MEMBER, .time = 1 };
	struct applied out;

	op.room_member.room = room;
	op.room_member.account = account;
	op.room_member.by = by;
	op.room_member.change = change;
	op.room_member.limit = 3;
	op.room_member.account_limit = 2;
	return (run(w, &op, &out));
}

static void a_closed_room_is_entered_by_invitation_alone(void **state)
{
	struct world *w = *state;
	struct applied room, out;

	assert_int_equal(add(w, 1, "alice"), SN_OK);
	assert_int_equal(add(w, 2, "bob"), SN_OK);
	assert_int_equal(add(w, 3, "carol"), SN_OK);
	assert_int_equal(create(w, 1, false, &room), SN_OK);
	assert_int_equal(create(w, 2, false, &out), SN_EEXISTS);
	assert_int_equal(member(w, room.room, 2, 2, OP_JOIN), SN_ENOTFOUND);
	assert_int_equal(
	    message(w, 2, false, room.room, 1, &out), SN_ENOTFOUND);
	/* One who is not in it invites nobody. */
	assert_int_equal(member(w, room.room, 3, 2, OP_INVITE), SN_ENOTFOUND);
	assert_int_equal(member(w, room.room, 2, 1, OP_INVITE), SN_OK);
	assert_int_equal(message(w, 2, false, room.room, 2, &out), SN_OK);
	/* Only an owner removes. */
	assert_int_equal(member(w, room.room, 1, 2, OP_REMOVE), SN_EDENIED);
	assert_int_equal(member(w, room.room, 2, 1, OP_REMOVE), SN_OK);
	assert_int_equal(
	    message(w, 2, false, room.room, 3, &out), SN_ENOTFOUND);
}

static void an_open_room_is_joined_up_to_its_limit(void **state)
{
	struct world *w = *state;
	struct applied room;

	for (uint64_t i = 1; i <= 4; i++) {
		char name[] = { (char)('a' + i), '\0' };

		assert_int_equal(add(w, i, name), SN_OK);
	}
	assert_int_equal(create(w, 1, true, &room), SN_OK);
	assert_int_equal(member(w, room.room, 2, 2, OP_JOIN), SN_OK);
	assert_int_equal(member(w, room.room, 2, 2, OP_JOIN), SN_EEXISTS);
	assert_int_equal(member(w, room.room, 3, 3, OP_JOIN), SN_OK);
	assert_int_equal(member(w, room.room, 4, 4, OP_JOIN), SN_ELIMIT);
	assert_int_equal(member(w, room.room, 2, 2, OP_LEAVE), SN_OK);
	assert_int_equal(member(w, room.room, 4, 4, OP_JOIN), SN_OK);
}

static uint64_t rows(struct world *w, enum db_table table)
{
	struct sn_txn *txn;
	uint64_t n;

	assert_int_equal(sn_txn_read(w->store, &txn), SN_OK);
	assert_int_equal(sn_txn_count(txn, table, &n), SN_OK);
	sn_txn_abort(txn);
	return (n);
}

static enum room_role role(struct world *w, uint64_t room, uint64_t account)
{
	struct room_member m;
	struct sn_txn *txn;

	assert_int_equal(sn_txn_read(w->store, &txn), SN_OK);
	assert_int_equal(room_member(txn, room, account, &m), SN_OK);
	sn_txn_abort(txn);
	return (m.role);
}

static void three(struct world *w)
{
	assert_int_equal(add(w, 1, "alice"), SN_OK);
	assert_int_equal(add(w, 2, "bob"), SN_OK);
	assert_int_equal(add(w, 3, "carol"), SN_OK);
}

static enum sn_err delete_room(struct world *w, uint64_t room, uint64_t by)
{
	struct op op = { .kind = OP_ROOM_DELETE, .time = 1 };
	struct applied out;
	enum sn_err err;

	op.room_delete.room = room;
	op.room_delete.by = by;
	err = run(w, &op, &out);
	if (err == SN_OK)
		assert_int_equal(out.what, APPLIED_DELETED);
	return (err);
}

static void a_deleted_room_leaves_no_membership_and_its_id_is_spent(
    void **state)
{
	struct world *w = *state;
	struct applied first, second;

	three(w);
	assert_int_equal(create(w, 1, true, &first), SN_OK);
	assert_int_equal(member(w, first.room, 2, 2, OP_JOIN), SN_OK);
	assert_int_equal(delete_room(w, first.room, 2), SN_EDENIED);
	assert_int_equal(delete_room(w, first.room, 3), SN_ENOTFOUND);
	assert_int_equal(rows(w, DB_MEMBERS), 2);
	assert_int_equal(delete_room(w, first.room, 1), SN_OK);
	assert_int_equal(rows(w, DB_MEMBERS), 0);
	assert_int_equal(rows(w, DB_ACCOUNT_ROOMS), 0);
	assert_int_equal(rows(w, DB_ROOM_NAMES), 0);
	assert_int_equal(delete_room(w, first.room, 1), SN_ENOTFOUND);
	assert_int_equal(member(w, first.room, 2, 2, OP_JOIN), SN_ENOTFOUND);
	assert_int_equal(create(w, 2, true, &second), SN_OK);
	assert_true(second.room > first.room);
}

static enum sn_err topic(struct world *w, uint64_t room, uint64_t by)
{
	struct op op = { .kind = OP_ROOM_TOPIC, .time = 1 };
	struct applied out;

	op.room_topic.room = room;
	op.room_topic.by = by;
	op.room_topic.topic = sn_bytes_of("of a late hour");
	return (run(w, &op, &out));
}

/* Its session is ended with the change; what it had asked for before may
 * stand behind it in the log. */
static void a_disabled_account_changes_no_room_any_more(void **state)
{
	struct world *w = *state;
	struct applied room;

	three(w);
	assert_int_equal(create(w, 1, false, &room), SN_OK);
	assert_int_equal(member(w, room.room, 2, 1, OP_INVITE), SN_OK);
	assert_int_equal(set_state(w, 1, ACCOUNT_DISABLED, 9), SN_OK);
	assert_int_equal(topic(w, room.room, 1), SN_EDENIED);
	assert_int_equal(member(w, room.room, 3, 1, OP_INVITE), SN_EDENIED);
	assert_int_equal(member(w, room.room, 2, 1, OP_REMOVE), SN_EDENIED);
	assert_int_equal(delete_room(w, room.room, 1), SN_EDENIED);
	assert_int_equal(set_state(w, 1, ACCOUNT_ACTIVE, 10), SN_OK);
	assert_int_equal(topic(w, room.room, 1), SN_OK);
	assert_int_equal(member(w, room.room, 3, 1, OP_INVITE), SN_OK);
	assert_int_equal(member(w, room.room, 2, 1, OP_REMOVE), SN_OK);
	/* But it may go, and does when it is deleted. */
	assert_int_equal(member(w, room.room, 3, 1, OP_APPOINT), SN_OK);
	assert_int_equal(set_state(w, 1, ACCOUNT_DISABLED, 11), SN_OK);
	assert_int_equal(member(w, room.room, 3, 1, OP_REMOVE), SN_EDENIED);
	assert_int_equal(member(w, room.room, 1, 1, OP_LEAVE), SN_OK);
	assert_int_equal(member(w, room.room, 1, 1, OP_LEAVE), SN_ENOTFOUND);
	assert_int_equal(delete_room(w, room.room, 3), SN_OK);
}

static void the_member_of_longest_standing_inherits(void **state)
{
	struct world *w = *state;
	struct applied room;

	three(w);
	assert_int_equal(create(w, 1, true, &room), SN_OK);
	assert_int_equal(member(w, room.room, 3, 3, OP_JOIN), SN_OK);
	assert_int_equal(member(w, room.room, 2, 2, OP_JOIN), SN_OK);
	assert_int_equal(member(w, room.room, 1, 1, OP_DISMISS), SN_EDENIED);
	assert_int_equal(member(w, room.room, 1, 1, OP_LEAVE), SN_OK);
	assert_int_equal(role(w, room.room, 3), ROOM_OWNER);
	assert_int_equal(role(w, room.room, 2), ROOM_MEMBER);
	/* With an owner left nobody does. */
	assert_int_equal(member(w, room.room, 1, 1, OP_JOIN), SN_OK);
	assert_int_equal(member(w, room.room, 1, 3, OP_APPOINT), SN_OK);
	assert_int_equal(member(w, room.room, 3, 3, OP_LEAVE), SN_OK);
	assert_int_equal(role(w, room.room, 1), ROOM_OWNER);
	assert_int_equal(role(w, room.room, 2), ROOM_MEMBER);
}

static void deleting_an_account_takes_it_out_of_every_room(void **state)
{
	struct world *w = *state;
	struct applied open, closed, out;
	struct sn_txn *txn;
	uint64_t room;

	three(w);
	assert_int_equal(create(w, 1, true, &open), SN_OK);
	assert_int_equal(create(w, 1, false, &closed), SN_OK);
	assert_int_equal(member(w, open.room, 2, 2, OP_JOIN), SN_OK);
	assert_int_equal(message(w, 1, true, 2, 1, &out), SN_OK);
	assert_int_equal(message(w, 1, true, 1, 2, &out), SN_OK);
	assert_int_equal(set_state(w, 1, ACCOUNT_DELETED, 9), SN_OK);
	assert_int_equal(role(w, open.room, 2), ROOM_OWNER);
	/* The room nobody else was in has gone. */
	assert_int_equal(rows(w, DB_ROOM_NAMES), 1);
	assert_int_equal(delete_room(w, closed.room, 1), SN_ENOTFOUND);
	assert_int_equal(sn_txn_read(w->store, &txn), SN_OK);
	assert_int_equal(
	    room_former(txn, 2, sn_bytes_of("alice"), &room), SN_OK);
	assert_int_equal(
	    room_former(txn, 3, sn_bytes_of("alice"), &room), SN_ENOTFOUND);
	assert_int_equal(
	    room_former(txn, 2, sn_bytes_of("alic"), &room), SN_ENOTFOUND);
	sn_txn_abort(txn);
}

static void an_account_is_in_no_more_rooms_than_its_limit(void **state)
{
	struct world *w = *state;
	struct applied open, closed, out;
	struct op op = { .kind = OP_ROOM_CREATE, .time = 1 };

	three(w);
	assert_int_equal(create(w, 1, true, &open), SN_OK);
	assert_int_equal(create(w, 1, false, &closed), SN_OK);
	op.room_create.creator = 1;
	op.room_create.name = sn_bytes_of("#third");
	op.room_create.topic = sn_bytes_of("");
	op.room_create.limit = 9;
	op.room_create.account_limit = 2;
	assert_int_equal(run(w, &op, &out), SN_ELIMIT);
	op.room_create.account_limit = 3;
	assert_int_equal(run(w, &op, &out), SN_OK);
}

/* An operation on a room without what was appended to it later. */
static void operations_of_an_earlier_version_are_read(void **state)
{
	static const size_t later[] = {
		[OP_ROOM_CREATE] = 9, [OP_ROOM_MEMBER] = 8
	};
	struct op op = { .kind = OP_ROOM_CREATE, .time = 1 }, back;
	uint8_t space[1024];
	struct sn_wr w = sn_wr_over(space, sizeof(space));

	(void)state;
	op.room_create.name = sn_bytes_of("#old");
	op.room_create.topic = sn_bytes_of("");
	op.room_create.account_limit = 5;
	op.room_create.history = true;
	op_encode(&op, &w);
	w.n -= 4 + later[OP_ROOM_CREATE];
	record_finish(&w);
	assert_int_equal(
	    op_decode((struct sn_bytes){ space, w.n }, &back), SN_OK);
	assert_int_equal(back.room_create.account_limit, UINT64_MAX);
	assert_false(back.room_create.history);

	op = (struct op){ .kind = OP_ROOM_MEMBER, .time = 1 };
	op.room_member.account_limit = 5;
	w = sn_wr_over(space, sizeof(space));
	op_encode(&op, &w);
	w.n -= 4 + later[OP_ROOM_MEMBER];
	record_finish(&w);
	assert_int_equal(
	    op_decode((struct sn_bytes){ space, w.n }, &back), SN_OK);
	assert_int_equal(back.room_member.account_limit, UINT64_MAX);
}

static void the_backlog_merges_rooms_in_the_order_of_the_log(void **state)
{
	struct world *w = *state;
	struct applied room, out;
	struct backlog *b;
	struct sn_txn *txn;
	uint64_t seq, last = 0, count = 0, before_joining;

	for (uint64_t i = 1; i <= 3; i++) {
		char name[] = { (char)('a' + i), '\0' };

		assert_int_equal(add(w, i, name), SN_OK);
	}
	assert_int_equal(create(w, 1, true, &room), SN_OK);
	assert_int_equal(message(w, 1, false, room.room, 1, &out), SN_OK);
	before_joining = out.seq;
	assert_int_equal(member(w, room.room, 2, 2, OP_JOIN), SN_OK);
	for (uint8_t i = 2; i < 32; i++) {
		if (i % 3 == 0)
			assert_int_equal(
			    message(w, 1, false, room.room, i, &out), SN_OK);
		else
			assert_int_equal(
			    message(w, i % 3 == 1 ? 1 : 3, true, 2, i, &out),
			    SN_OK);
	}
	/* Not for account 2. */
	assert_int_equal(message(w, 1, true, 3, 99, &out), SN_OK);

	assert_int_equal(sn_txn_read(w->store, &txn), SN_OK);
	assert_int_equal(backlog_open(txn, 2, 0, &b), SN_OK);
	while (backlog_next(b, &seq) == SN_OK) {
		assert_true(seq > last);
		assert_int_not_equal(seq, before_joining);
		last = seq;
		count++;
	}
	assert_int_equal(count, 30);
	backlog_close(b);
	assert_int_equal(backlog_open(txn, 2, last - 1, &b), SN_OK);
	assert_int_equal(backlog_next(b, &seq), SN_OK);
	assert_int_equal(seq, last);
	assert_int_equal(backlog_next(b, &seq), SN_ENOTFOUND);
	backlog_close(b);
	sn_txn_abort(txn);
}

static void a_damaged_record_is_told_and_never_delivered(void **state)
{
	struct world *w = *state;
	struct sn_bytes value;
	struct message m;
	struct applied out;
	struct db_key key;
	struct sn_txn *txn;
	uint8_t copy[512];
	size_t n;

	assert_int_equal(add(w, 1, "alice"), SN_OK);
	assert_int_equal(add(w, 2, "bob"), SN_OK);
	assert_int_equal(message(w, 1, true, 2, 1, &out), SN_OK);
	key = db_key1(out.seq);
	assert_int_equal(sn_txn_write(w->store, &txn), SN_OK);
	assert_int_equal(
	    sn_txn_get(txn, DB_LOG, db_bytes(&key), &value), SN_OK);
	n = value.n;
	memcpy(copy, value.p, n);
	assert_int_equal(message_get(txn, out.seq, &m), SN_OK);
	for (size_t bit = 0; bit < 8 * n; bit++) {
		copy[bit / 8] ^= (uint8_t)(1 << (bit % 8));
		assert_int_equal(sn_txn_put(txn, DB_LOG, db_bytes(&key),
				     (struct sn_bytes){ copy, n }),
		    SN_OK);
		assert_int_equal(message_get(txn, out.seq, &m), SN_ECORRUPT);
		copy[bit / 8] ^= (uint8_t)(1 << (bit % 8));
	}
	sn_txn_abort(txn);
}

static void a_place_is_found_by_its_time(void **state)
{
	struct world *w = *state;
	struct applied out;
	struct sn_txn *txn;
	uint64_t at, first = 0;

	assert_int_equal(add(w, 1, "alice"), SN_OK);
	assert_int_equal(add(w, 2, "bob"), SN_OK);
	for (uint8_t i = 10; i < 30; i++) {
		assert_int_equal(message(w, 1, true, 2, i, &out), SN_OK);
		if (first == 0)
			first = out.seq;
	}
	assert_int_equal(sn_txn_read(w->store, &txn), SN_OK);
	assert_int_equal(message_before(txn, 0, &at), SN_OK);
	assert_int_equal(at, 0);
	/* Message i has the time 5000 + i. */
	assert_int_equal(message_before(txn, 5020, &at), SN_OK);
	assert_int_equal(at, first + 9);
	assert_int_equal(message_before(txn, UINT64_MAX, &at), SN_OK);
	assert_int_equal(at, out.seq);
	sn_txn_abort(txn);
}

#define CROWD 10000

static uint64_t cpu_ns(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
	return ((uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
}

/* A room of many, whose last is the one who owns it. */
static void crowd(struct sn_txn *txn)
{
	struct room room = { .id = 1, .kind = ROOM_NAMED, .members = CROWD };
	struct account account = { .state = ACCOUNT_ACTIVE };
	struct room_member m = { .role = ROOM_MEMBER };

	(void)snprintf(room.name, sizeof(room.name), "#crowd");
	assert_int_equal(room_put(txn, &room), SN_OK);
	for (account.id = 1; account.id <= CROWD; account.id++) {
		(void)snprintf(account.name, sizeof(account.name), "p%llu",
		    (unsigned long long)account.id);
		m.role = account.id == CROWD ? ROOM_OWNER : ROOM_MEMBER;
		m.joined = account.id;
		assert_int_equal(account_put(txn, &account), SN_OK);
		assert_int_equal(
		    room_put_member(txn, 1, account.id, &m), SN_OK);
	}
}

static uint64_t walk_cost(struct sn_txn *txn)
{
	uint64_t begun = cpu_ns(), account, n = 0;
	struct db_walk w;

	db_walk_open(&w, txn, DB_MEMBERS, 1, 0);
	while (db_walk_next(&w, &account))
		n++;
	assert_int_equal(db_walk_close(&w, SN_OK), SN_OK);
	assert_int_equal(n, CROWD);
	return (cpu_ns() - begun);
}

static uint64_t heir_cost(struct sn_txn *txn)
{
	struct op op = { .kind = OP_ROOM_MEMBER };
	struct applied out;
	uint64_t begun;

	op.room_member.room = 1;
	op.room_member.account = op.room_member.by = CROWD;
	op.room_member.change = OP_DISMISS;
	begun = cpu_ns();
	assert_int_equal(
	    apply_room_member(txn, &op, CROWD + 1, &out), SN_EDENIED);
	return (cpu_ns() - begun);
}

/* The last owner may ask for it again and again, and all wait meanwhile. */
static void an_heir_is_found_in_the_time_of_a_walk(void **state)
{
	uint64_t walk = UINT64_MAX, heir = UINT64_MAX, one;
	struct world *w = *state;
	struct sn_txn *txn;

	assert_int_equal(sn_txn_write(w->store, &txn), SN_OK);
	crowd(txn);
	for (unsigned i = 0; i < 20; i++) {
		if ((one = walk_cost(txn)) < walk)
			walk = one;
		if ((one = heir_cost(txn)) < heir)
			heir = one;
	}
	sn_txn_abort(txn);
	if (heir > 4 * walk)
		fail_msg("a walk takes %llu ns, an heir %llu",
		    (unsigned long long)walk, (unsigned long long)heir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_message_is_stored_once_and_answers_with_its_first_place),
		TEST(nobody_sends_to_the_unknown_the_disabled_or_the_deleted),
		TEST(an_account_id_is_never_used_again),
		TEST(a_deleted_name_is_free_and_its_subject_has_a_tombstone),
		TEST(a_subject_is_mapped_to_one_account_and_back),
		TEST(the_name_an_account_was_made_with_cannot_be_unmapped),
		TEST(a_key_that_no_certificate_has_is_not_mapped),
		TEST(deleting_an_account_buries_what_was_mapped_to_it),
		TEST(a_device_is_bound_to_one_account_for_ever),
		TEST(an_account_has_no_more_devices_than_its_limit),
		TEST(a_closed_room_is_entered_by_invitation_alone),
		TEST(an_open_room_is_joined_up_to_its_limit),
		TEST(a_deleted_room_leaves_no_membership_and_its_id_is_spent),
		TEST(a_disabled_account_changes_no_room_any_more),
		TEST(the_member_of_longest_standing_inherits),
		TEST(an_heir_is_found_in_the_time_of_a_walk),
		TEST(deleting_an_account_takes_it_out_of_every_room),
		TEST(an_account_is_in_no_more_rooms_than_its_limit),
		TEST(operations_of_an_earlier_version_are_read),
		TEST(the_backlog_merges_rooms_in_the_order_of_the_log),
		TEST(a_damaged_record_is_told_and_never_delivered),
		TEST(a_place_is_found_by_its_time),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
