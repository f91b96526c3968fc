#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <locale.h>
#include <time.h>

#include <cmocka.h>

#include "client/view.h"
#include "lib/clock.h"

#define DAY_MS UINT64_C(86400000)
#define NOON (UINT64_C(20000) * DAY_MS + DAY_MS / 2) /* 2024-10-04 12:00. */

struct world {
	struct model *m;
	struct canvas canvas;
	struct view_seen seen;
};

static int begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_int_equal(model_new("alice", "test", &w->m), SN_OK);
	w->m->now = 1;
	*state = w;
	return (0);
}

static int end(void **state)
{
	struct world *w = *state;

	model_free(w->m);
	canvas_free(&w->canvas);
	free(w);
	return (0);
}

static struct talk *open(struct world *w, const char *name)
{
	struct talk *t;

	assert_int_equal(model_open(w->m, sn_bytes_of(name), &t), SN_OK);
	return (t);
}

static struct sn_frame_deliver deliver(
    const char *from, const char *to, uint64_t seq, const char *text)
{
	struct sn_frame_deliver d = { .seq = seq,
		.time = NOON + seq,
		.to = sn_bytes_of(to),
		.from = sn_bytes_of(from),
		.content_type = sn_bytes_of("text/plain"),
		.body = sn_bytes_of(text) };

	memcpy(d.id, &seq, sizeof(seq));
	return (d);
}

static void comes(struct world *w, const char *from, const char *to,
    uint64_t seq, const char *text)
{
	struct sn_frame_deliver d = deliver(from, to, seq, text);

	assert_int_equal(model_message(w->m, &d), SN_OK);
}

static void draw(struct world *w, int rows, int cols)
{
	assert_int_equal(canvas_size(&w->canvas, rows, cols), SN_OK);
	w->seen = view_draw(w->m, &w->canvas);
}

static const char *row(struct world *w, int i)
{
	static char out[4][1024];
	static unsigned turn;

	turn = (turn + 1) % 4;
	return (canvas_row(&w->canvas, i, out[turn], sizeof(out[turn])));
}

/* Whether a row of what was drawn has this in it. */
static bool shows(struct world *w, const char *text)
{
	for (int i = 0; i < w->canvas.rows; i++) {
		if (strstr(row(w, i), text) != NULL)
			return (true);
	}
	return (false);
}

static void receipt(struct world *w, const char *with, const char *who,
    const char *kind, uint64_t seq)
{
	struct sn_frame_receipt r = { .with = sn_bytes_of(with),
		.account = sn_bytes_of(who),
		.kind = sn_bytes_of(kind),
		.seq = seq };

	model_receipt(w->m, &r);
}

static void a_conversation_fills_the_pane_from_below(void **state)
{
	struct world *w = *state;

	model_show(w->m, open(w, "bob"));
	comes(w, "bob", "alice", 1, "hello");
	comes(w, "alice", "bob", 2, "good day");
	draw(w, 8, 80);
	assert_non_null(strstr(row(w, 0), "bob"));
	assert_non_null(strstr(row(w, 3), "2024-10-04"));
	assert_non_null(strstr(row(w, 4), "12:00 bob: hello"));
	assert_non_null(strstr(row(w, 5), "12:00 alice: good day"));
	assert_non_null(strstr(row(w, 5), "stored"));
	assert_non_null(strstr(row(w, 6), "alice on test"));
	assert_string_equal(row(w, 7), ">");
	assert_true(w->seen.top);
	assert_int_equal(w->seen.seq, 2);
}

static void messages_stand_once_and_in_order_however_they_come(void **state)
{
	struct world *w = *state;
	struct talk *t = open(w, "bob");

	comes(w, "bob", "alice", 3, "three");
	comes(w, "bob", "alice", 1, "one");
	comes(w, "bob", "alice", 3, "three");
	comes(w, "bob", "alice", 2, "two");
	assert_int_equal(t->count, 3);
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(t->all[i]->seq, i + 1);
	assert_true(talk_has(t, 2));
	assert_false(talk_has(t, 4));
}

static void ours_is_one_message_from_typed_to_read(void **state)
{
	struct world *w = *state;
	struct talk *t = open(w, "bob");
	struct sn_frame_deliver d = deliver("alice", "bob", 7, "mine");
	struct sn_frame_stored stored = { .ref = 5, .seq = 7, .time = NOON };

	model_show(w->m, t);
	assert_int_equal(
	    talk_say(t, 5, d.id, "alice", NOON, sn_bytes_of("mine")), SN_OK);
	draw(w, 8, 80);
	assert_true(shows(w, "sending"));
	assert_false(shows(w, "stored"));
	model_stored(w->m, &stored);
	assert_int_equal(model_message(w->m, &d), SN_OK);
	assert_int_equal(t->count, 1);
	assert_int_equal(t->waiting, 0);
	draw(w, 8, 80);
	assert_true(shows(w, "stored"));
	receipt(w, "bob", "bob", "delivered", 6);
	draw(w, 8, 80);
	assert_true(shows(w, "stored"));
	receipt(w, "bob", "bob", "delivered", 7);
	draw(w, 8, 80);
	assert_true(shows(w, "delivered"));
	receipt(w, "bob", "bob", "read", 7);
	draw(w, 8, 80);
	assert_true(shows(w, "read"));
	assert_false(shows(w, "delivered"));
}

static void ours_that_comes_before_its_answer_is_one_message(void **state)
{
	struct world *w = *state;
	struct talk *t = open(w, "bob");
	struct sn_frame_deliver d = deliver("alice", "bob", 7, "mine");
	struct sn_frame_stored stored = { .ref = 5, .seq = 7, .time = NOON };

	assert_int_equal(
	    talk_say(t, 5, d.id, "alice", NOON, sn_bytes_of("mine")), SN_OK);
	comes(w, "bob", "alice", 6, "before");
	assert_int_equal(model_message(w->m, &d), SN_OK);
	model_stored(w->m, &stored);
	assert_int_equal(t->count, 2);
	assert_int_equal(t->all[1]->seq, 7);
	assert_int_equal(t->waiting, 0);
}

static void a_refusal_stands_under_its_message_until_the_next(void **state)
{
	struct world *w = *state;
	struct talk *t = open(w, "bob");
	uint8_t id[SN_FRAME_ID] = { 1 };

	model_show(w->m, t);
	assert_int_equal(
	    talk_say(t, 5, id, "alice", NOON, sn_bytes_of("too much")), SN_OK);
	assert_false(model_refused(w->m, 4, "no"));
	assert_true(model_refused(w->m, 5, "a limit is reached"));
	draw(w, 8, 80);
	assert_true(shows(w, "not sent: a limit is reached"));
	assert_false(shows(w, "sending"));
	id[0] = 2;
	assert_int_equal(
	    talk_say(t, 6, id, "alice", NOON, sn_bytes_of("again")), SN_OK);
	assert_int_equal(t->count, 1);
}

static void in_a_room_it_is_said_by_how_many(void **state)
{
	struct world *w = *state;
	struct talk *t = open(w, "#ops");

	model_show(w->m, t);
	t->members = 3;
	comes(w, "alice", "#ops", 4, "news");
	receipt(w, "#ops", "bob", "read", 4);
	draw(w, 8, 80);
	assert_true(shows(w, "read by 1"));
	receipt(w, "#ops", "carol", "read", 5);
	draw(w, 8, 80);
	assert_true(shows(w, "read by all"));
}

static void what_is_not_read_is_counted_and_marked(void **state)
{
	struct world *w = *state;
	struct talk *bob = open(w, "bob"), *carol = open(w, "carol");

	model_show(w->m, carol);
	comes(w, "bob", "alice", 1, "old");
	comes(w, "bob", "alice", 2, "fresh");
	comes(w, "alice", "bob", 3, "ours");
	/* As long as nobody knows, nothing is claimed. */
	assert_int_equal(model_unread(w->m), 0);
	bob->read_known = carol->read_known = true;
	receipt(w, "bob", "alice", "read", 1);
	assert_int_equal(model_unread(w->m), 1);
	draw(w, 10, 80);
	assert_non_null(strstr(row(w, 0), "bob           1"));
	assert_false(model_read(w->m, 2)); /* Carol's is shown. */
	model_step(w->m, MODEL_UNREAD);
	assert_ptr_equal(w->m->shown, bob);
	draw(w, 10, 80);
	assert_true(shows(w, "─ new ─"));
	assert_true(model_read(w->m, w->seen.seq));
	assert_false(model_read(w->m, w->seen.seq));
	assert_int_equal(model_unread(w->m), 0);
	draw(w, 10, 80);
	assert_true(shows(w, "─ new ─"));
}

static void many(struct world *w, unsigned n)
{
	char text[64];

	for (unsigned i = 1; i <= n; i++) {
		(void)snprintf(text, sizeof(text), "message %u.", i);
		comes(w, "bob", "alice", i, text);
	}
}

static void scrolling_goes_to_the_top_and_back(void **state)
{
	struct world *w = *state;
	struct talk *t = open(w, "bob");

	model_show(w->m, t);
	many(w, 40);
	draw(w, 13, 50); /* Ten lines of messages. */
	assert_true(shows(w, "message 40."));
	assert_false(shows(w, "message 30."));
	assert_false(w->seen.top);
	view_scroll(w->m, &w->canvas, 5);
	draw(w, 13, 50);
	assert_true(shows(w, "message 35."));
	assert_false(shows(w, "message 36."));
	assert_int_equal(w->seen.seq, 35);
	assert_true(shows(w, "more below"));
	/* What comes does not move what is being read. */
	comes(w, "bob", "alice", 41, "message 41.");
	draw(w, 13, 50);
	assert_true(shows(w, "message 35."));
	assert_false(shows(w, "message 36."));
	view_scroll(w->m, &w->canvas, 1000);
	draw(w, 13, 50);
	assert_true(w->seen.top);
	assert_true(shows(w, "2024-10-04"));
	assert_true(shows(w, "message 9."));
	assert_false(shows(w, "message 10."));
	view_scroll(w->m, &w->canvas, -1000);
	draw(w, 13, 50);
	assert_null(t->anchor);
	assert_true(shows(w, "message 41."));
}

static void a_message_taller_than_the_screen_is_read_in_parts(void **state)
{
	struct world *w = *state;
	char text[2000];
	size_t n = 0;

	for (int i = 0; i < 30; i++)
		n += (size_t)snprintf(
		    text + n, sizeof(text) - n, "line %d.\n", i);
	model_show(w->m, open(w, "bob"));
	comes(w, "bob", "alice", 1, text);
	draw(w, 13, 50);
	assert_true(shows(w, "line 29."));
	assert_false(shows(w, "line 19."));
	assert_false(w->seen.top);
	assert_int_equal(w->seen.seq, 1);
	view_scroll(w->m, &w->canvas, 12);
	draw(w, 13, 50);
	assert_true(shows(w, "line 17."));
	assert_false(shows(w, "line 18."));
	assert_int_equal(w->seen.seq, 0);
	view_scroll(w->m, &w->canvas, 100);
	draw(w, 13, 50);
	assert_true(shows(w, "bob: line 0."));
	assert_true(w->seen.top);
}

static void a_page_of_older_ones_leaves_no_gap(void **state)
{
	struct world *w = *state;
	struct talk *t = open(w, "bob"), *carol = open(w, "carol");

	model_show(w->m, t);
	many(w, TALK_KEPT + 50);
	assert_int_equal(t->count, TALK_KEPT + 50);
	assert_false(t->more);
	model_show(w->m, carol);
	/* The oldest went; what was asked before them would leave a gap. */
	assert_int_equal(t->count, TALK_KEPT);
	assert_true(t->more);
	assert_false(talk_has(t, 1));
	assert_true(talk_has(t, 51));
}

static void what_comes_while_one_reads_above_it_has_an_end(void **state)
{
	struct world *w = *state;
	struct talk *t = open(w, "bob");

	model_show(w->m, t);
	many(w, TALK_MOST);
	draw(w, 13, 50);
	view_scroll(w->m, &w->canvas, 100);
	draw(w, 13, 50);
	assert_non_null(t->anchor);
	for (unsigned i = TALK_MOST + 1; i <= 2 * TALK_MOST; i++)
		comes(w, "bob", "alice", i, "more");
	/* Until then nothing moves. */
	assert_int_equal(t->count, 2 * TALK_MOST);
	assert_non_null(t->anchor);
	for (unsigned i = 2 * TALK_MOST + 1; i <= 4 * TALK_MOST; i++)
		comes(w, "bob", "alice", i, "more");
	assert_true(t->count <= 2 * TALK_MOST);
	assert_null(t->anchor);
	draw(w, 13, 50);
	assert_int_equal(w->seen.seq, 4 * TALK_MOST);
}

static void what_has_expired_is_shown_no_more(void **state)
{
	struct world *w = *state;
	struct talk *t = open(w, "bob");
	struct sn_frame_deliver d;

	model_show(w->m, t);
	comes(w, "bob", "alice", 1, "for ever");
	for (unsigned seq = 2; seq <= 4; seq++) {
		d = deliver("bob", "alice", seq, seq == 3 ? "long" : "short");
		d.expires = d.time + (seq == 3 ? 2000 : 1000);
		assert_int_equal(model_message(w->m, &d), SN_OK);
	}
	assert_int_equal(model_expire(w->m, NOON + 1001), NOON + 1002);
	assert_int_equal(t->count, 4);
	assert_int_equal(model_expire(w->m, NOON + 1004), NOON + 2003);
	draw(w, 13, 50);
	assert_false(shows(w, "short"));
	assert_true(shows(w, "long"));
	assert_int_equal(model_expire(w->m, NOON + 2003), 0);
	draw(w, 13, 50);
	assert_false(shows(w, "long"));
	assert_true(shows(w, "for ever"));
}

static void no_message_looks_like_two_or_acts_on_the_terminal(void **state)
{
	struct world *w = *state;
	bool indented = true;

	model_show(w->m, open(w, "bob"));
	comes(w, "bob", "alice", 1,
	    "x\n12:00 alice: forged\n\033]0;title\a\u202edlrow\u2066");
	draw(w, 12, 80);
	assert_true(shows(w, "\\x1b]0;title\\x07\\u{202e}dlrow\\u{2066}"));
	for (int i = 0; i < 12; i++) {
		if (strstr(row(w, i), "forged") != NULL)
			indented = strstr(row(w, i), "        12:00") != NULL;
	}
	assert_true(indented);
}

static void every_size_can_be_drawn_and_shows_what_is_typed(void **state)
{
	struct world *w = *state;
	struct talk *t = open(w, "#a-room-with-a-long-name");

	model_show(w->m, t);
	(void)snprintf(t->topic, sizeof(t->topic), "你好 topic");
	many(w, 5);
	comes(w, "somebody-of-a-long-name", "#a-room-with-a-long-name", 9,
	    "你好世界 and words of any length, incomprehensibilities");
	comes(w, "alice", "#a-room-with-a-long-name", 10, "ours");
	assert_true(edit_insert(&w->m->edit, sn_bytes_of("typed 你好 text")));
	for (int rows = 1; rows < 30; rows++) {
		for (int cols = 1; cols < 90; cols++) {
			draw(w, rows, cols);
			assert_in_range(w->canvas.cursor_row, 0, rows - 1);
			assert_in_range(w->canvas.cursor_col, 0, cols - 1);
			view_scroll(w->m, &w->canvas, rows);
			draw(w, rows, cols);
			view_scroll(w->m, &w->canvas, -2 * rows);
		}
	}
	draw(w, 5, 20);
	assert_true(shows(w, "> typed 你好 text"));
	assert_true(shows(w, "ours"));
	draw(w, 2, 20);
	assert_true(shows(w, "typed 你好 text"));
}

static void the_cursor_is_where_typing_goes_on(void **state)
{
	struct world *w = *state;

	model_show(w->m, open(w, "bob"));
	assert_true(edit_insert(&w->m->edit, sn_bytes_of("你好\n\n")));
	draw(w, 12, 20);
	assert_int_equal(w->canvas.cursor_row, 11);
	assert_int_equal(w->canvas.cursor_col, 2);
	edit_move(&w->m->edit, EDIT_LEFT);
	edit_move(&w->m->edit, EDIT_LEFT);
	draw(w, 12, 20);
	assert_int_equal(w->canvas.cursor_row, 9);
	assert_int_equal(w->canvas.cursor_col, 6);
	/* More than a third of the screen is not for typing. */
	for (int i = 0; i < 20; i++)
		assert_true(edit_insert(&w->m->edit, sn_bytes_of("\nx")));
	draw(w, 12, 20);
	assert_int_equal(w->canvas.cursor_row, 11);
	assert_false(shows(w, "> 你好"));
}

static void what_is_wrong_comes_before_what_is_usual(void **state)
{
	struct world *w = *state;
	struct sn_frame_signaled s = { .to = sn_bytes_of("alice"),
		.from = sn_bytes_of("bob"),
		.kind = sn_bytes_of("typing") };

	model_show(w->m, open(w, "bob"));
	model_signaled(w->m, &s);
	draw(w, 8, 80);
	assert_true(shows(w, "bob is typing"));
	w->m->now = sn_clock_mono() + (MODEL_TYPING_S + 1) * SN_NS_PER_S;
	draw(w, 8, 80);
	assert_false(shows(w, "bob is typing"));
	model_lost(w->m, "the cable is out", w->m->now + 3 * SN_NS_PER_S);
	draw(w, 8, 80);
	assert_true(shows(w, "NOT CONNECTED, again in 4 s: the cable is out"));
	model_tell(w->m, true, "too long");
	draw(w, 8, 80);
	assert_true(shows(w, "too long"));
	w->m->notice[0] = '\0';
	model_ready(w->m);
	draw(w, 8, 80);
	assert_true(shows(w, "alice on test"));
}

static void who_is_there_is_seen_in_list_and_header(void **state)
{
	struct world *w = *state;
	struct sn_frame_presence p = { .account = sn_bytes_of("bob"),
		.state = sn_bytes_of("online") };
	struct talk *room = open(w, "#ops");

	open(w, "bob");
	model_show(w->m, room);
	room->members = 2;
	model_presence(w->m, room, &p);
	draw(w, 8, 80);
	assert_true(shows(w, "2 members, 2 online"));
	model_presence(w->m, NULL, &p);
	draw(w, 8, 80);
	assert_true(shows(w, "●bob"));
	p.state = sn_bytes_of("offline");
	model_presence(w->m, NULL, &p);
	draw(w, 8, 80);
	assert_false(shows(w, "●bob"));
	assert_true(shows(w, "2 members, 1 online"));
}

static void a_room_that_was_left_goes_when_one_goes_on(void **state)
{
	struct world *w = *state;
	struct talk *room = open(w, "#ops"), *bob = open(w, "bob");
	struct sn_frame_room_changed c = { .seq = 5,
		.room = sn_bytes_of("#ops"),
		.change = sn_bytes_of("left"),
		.account = sn_bytes_of("bob") };

	model_show(w->m, room);
	assert_int_equal(model_room_changed(w->m, &c, NOON), SN_OK);
	assert_false(room->gone);
	c.seq = 6;
	c.account = sn_bytes_of("alice");
	assert_int_equal(model_room_changed(w->m, &c, NOON), SN_OK);
	assert_true(room->gone);
	draw(w, 10, 80);
	assert_true(shows(w, "* alice left"));
	assert_true(shows(w, "you are not in it"));
	model_show(w->m, bob);
	assert_null(model_find(w->m, sn_bytes_of("#ops")));
}

static void what_was_typed_stays_with_its_conversation(void **state)
{
	struct world *w = *state;
	struct talk *bob = open(w, "bob"), *carol = open(w, "carol");

	model_show(w->m, bob);
	assert_true(edit_insert(&w->m->edit, sn_bytes_of("for bob")));
	model_show(w->m, carol);
	assert_int_equal(w->m->edit.n, 0);
	assert_true(edit_insert(&w->m->edit, sn_bytes_of("for carol")));
	model_step(w->m, MODEL_PREVIOUS);
	assert_ptr_equal(w->m->shown, bob);
	assert_true(
	    sn_bytes_equal(edit_text(&w->m->edit), sn_bytes_of("for bob")));
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_conversation_fills_the_pane_from_below),
		test(messages_stand_once_and_in_order_however_they_come),
		test(ours_is_one_message_from_typed_to_read),
		test(ours_that_comes_before_its_answer_is_one_message),
		test(a_refusal_stands_under_its_message_until_the_next),
		test(in_a_room_it_is_said_by_how_many),
		test(what_is_not_read_is_counted_and_marked),
		test(scrolling_goes_to_the_top_and_back),
		test(a_message_taller_than_the_screen_is_read_in_parts),
		test(a_page_of_older_ones_leaves_no_gap),
		test(what_comes_while_one_reads_above_it_has_an_end),
		test(what_has_expired_is_shown_no_more),
		test(no_message_looks_like_two_or_acts_on_the_terminal),
		test(every_size_can_be_drawn_and_shows_what_is_typed),
		test(the_cursor_is_where_typing_goes_on),
		test(what_is_wrong_comes_before_what_is_usual),
		test(who_is_there_is_seen_in_list_and_header),
		test(a_room_that_was_left_goes_when_one_goes_on),
		test(what_was_typed_stays_with_its_conversation),
	};

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	(void)setenv("TZ", "UTC", 1);
	tzset();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
