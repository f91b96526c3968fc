#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/net/circular.h"
#include "server/net/net_impl.h"

#define LOOPS 3

/* Loops that have no more than a mailbox. */
struct house {
	struct net *net;
	struct sn_poll *polls[LOOPS];
};

static unsigned times[LOOPS];
static const void *papers[LOOPS];

static void note(struct loop *loop, const void *paper)
{
	times[loop->index]++;
	papers[loop->index] = paper;
	assert_string_equal(paper, "to all");
}

static void open_house(struct house *h, unsigned loops)
{
	h->net = calloc(1, sizeof(*h->net));
	assert_non_null(h->net);
	for (unsigned i = 0; i < loops; i++) {
		struct loop *loop = calloc(1, sizeof(*loop));

		assert_non_null(loop);
		loop->index = i;
		assert_int_equal(sn_poll_new(&h->polls[i]), SN_OK);
		assert_int_equal(
		    mailbox_new(h->polls[i], loop, &loop->mailbox), SN_OK);
		h->net->loops[h->net->loop_count++] = loop;
		times[i] = 0;
	}
}

static void turn(struct house *h, unsigned i)
{
	assert_int_equal(sn_poll_turn(h->polls[i], 0), SN_OK);
}

static void close_house(struct house *h)
{
	for (unsigned i = 0; i < h->net->loop_count; i++) {
		mailbox_free(h->net->loops[i]->mailbox);
		sn_poll_free(h->polls[i]);
		free(h->net->loops[i]);
	}
	free(h->net);
}

static struct circular *written(struct house *h)
{
	struct circular *c = circular_new(h->net, 7, note);

	assert_non_null(c);
	assert_int_equal(
	    (uintptr_t)circular_paper(c) % alignof(max_align_t), 0);
	memcpy(circular_paper(c), "to all", 7);
	return (c);
}

static void every_loop_reads_the_same_paper_once(void **state)
{
	struct house h;

	(void)state;
	open_house(&h, LOOPS);
	circular_post(written(&h));
	for (unsigned i = 0; i < LOOPS; i++) {
		assert_int_equal(times[i], 0);
		turn(&h, i);
		assert_int_equal(times[i], 1);
		assert_ptr_equal(papers[i], papers[0]);
	}
	for (unsigned i = 0; i < LOOPS; i++) {
		turn(&h, i);
		assert_int_equal(times[i], 1);
	}
	close_house(&h);
}

static void who_writes_it_need_not_read_it(void **state)
{
	struct house h;

	(void)state;
	open_house(&h, LOOPS);
	circular_post_others(written(&h), h.net->loops[1]);
	for (unsigned i = 0; i < LOOPS; i++)
		turn(&h, i);
	assert_int_equal(times[0], 1);
	assert_int_equal(times[1], 0);
	assert_int_equal(times[2], 1);
	close_house(&h);
}

/* Nobody is left to throw it away: what is not freed here leaks. */
static void one_for_nobody_is_gone_at_once(void **state)
{
	struct house h;

	(void)state;
	open_house(&h, 1);
	circular_post_others(written(&h), h.net->loops[0]);
	turn(&h, 0);
	assert_int_equal(times[0], 0);
	circular_free(written(&h));
	circular_free(NULL);
	close_house(&h);
}

/* A loop that stops reads what lies in its box, and counts as a reader. */
static void a_loop_that_ends_lets_go_of_it(void **state)
{
	struct house h;

	(void)state;
	open_house(&h, LOOPS);
	circular_post(written(&h));
	turn(&h, 2);
	close_house(&h);
	for (unsigned i = 0; i < LOOPS; i++)
		assert_int_equal(times[i], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_loop_reads_the_same_paper_once),
		cmocka_unit_test(who_writes_it_need_not_read_it),
		cmocka_unit_test(one_for_nobody_is_gone_at_once),
		cmocka_unit_test(a_loop_that_ends_lets_go_of_it),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
