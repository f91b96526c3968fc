#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/frame.h"

static struct sn_frame_send sample(void)
{
	struct sn_frame_send f = { .ref = 7 };

	f.to = sn_bytes_of("bob");
	memset(f.id, 0xab, sizeof(f.id));
	f.content_type = sn_bytes_of("text/plain");
	f.body = sn_bytes_of("hi");
	return (f);
}

static size_t sample_bytes(uint8_t *out, size_t cap)
{
	struct sn_wr w = sn_wr_over(out, cap);
	struct sn_frame_send f = sample();

	sn_frame_put_send(&w, &f);
	assert_false(w.bad);
	return (w.n);
}

static void a_frame_reads_back_as_it_was_written(void **state)
{
	uint8_t b[256];
	size_t n = sample_bytes(b, sizeof(b));
	struct sn_frame frame;
	struct sn_frame_send got;

	(void)state;
	assert_int_equal(sn_frame_open(b, n, SN_FRAME_MAX, &frame), SN_OK);
	assert_int_equal(frame.type, SN_FRAME_SEND);
	assert_int_equal(frame.size, n);
	assert_true(sn_frame_get_send(&frame, &got));
	assert_int_equal(got.ref, 7);
	assert_true(sn_bytes_equal(got.to, sn_bytes_of("bob")));
	assert_true(sn_bytes_equal(got.body, sn_bytes_of("hi")));
}

static void every_prefix_of_a_frame_asks_for_more(void **state)
{
	uint8_t b[256];
	size_t n = sample_bytes(b, sizeof(b));
	struct sn_frame frame;

	(void)state;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
		    sn_frame_open(b, i, SN_FRAME_MAX, &frame), SN_EAGAIN);
}

static void a_frame_cut_inside_its_length_is_refused(void **state)
{
	uint8_t b[256];
	size_t n = sample_bytes(b, sizeof(b));
	struct sn_frame frame;
	struct sn_frame_send got;

	(void)state;
	for (size_t i = 1; i < n - SN_FRAME_HEAD; i++) {
		b[2] = (uint8_t)(i >> 8);
		b[3] = (uint8_t)i;
		if (sn_frame_open(b, n, SN_FRAME_MAX, &frame) == SN_OK)
			assert_false(sn_frame_get_send(&frame, &got));
	}
}

static void no_bit_flip_reads_beyond_the_frame(void **state)
{
	uint8_t b[256];
	size_t n = sample_bytes(b, sizeof(b));
	struct sn_frame frame;
	struct sn_frame_send got;

	(void)state;
	for (size_t bit = 8 * SN_FRAME_HEAD; bit < 8 * n; bit++) {
		b[bit / 8] ^= (uint8_t)(1 << (bit % 8));
		if (sn_frame_open(b, n, SN_FRAME_MAX, &frame) == SN_OK &&
		    sn_frame_get_send(&frame, &got)) {
			const uint8_t *end = got.body.p;

			assert_true(end + got.body.n <= b + n);
		}
		b[bit / 8] ^= (uint8_t)(1 << (bit % 8));
	}
}

static void a_length_above_the_limit_is_known_from_four_bytes(void **state)
{
	const uint8_t at_limit[] = { 0, 0, 0x10, 0 };
	const uint8_t above[] = { 0, 0, 0x10, 1 };
	struct sn_frame frame;

	(void)state;
	assert_int_equal(
	    sn_frame_open(at_limit, 4, SN_FRAME_MAX_EARLY, &frame), SN_EAGAIN);
	assert_int_equal(
	    sn_frame_open(above, 4, SN_FRAME_MAX_EARLY, &frame), SN_ETOOBIG);
}

static enum sn_err parse_ack(const char *hex, bool *ok)
{
	struct sn_frame frame;
	struct sn_frame_ack got;
	uint8_t b[64];
	size_t n = strlen(hex) / 2;
	enum sn_err err;

	assert_true(sn_bytes_unhex(hex, b + 4, n));
	b[0] = b[1] = b[2] = 0;
	b[3] = (uint8_t)n;
	err = sn_frame_open(b, n + 4, SN_FRAME_MAX, &frame);
	*ok = err == SN_OK && sn_frame_get_ack(&frame, &got);
	return (err);
}

static void unknown_trailing_fields_are_ignored_and_missing_ones_refused(
    void **state)
{
	bool ok;

	(void)state;
	assert_int_equal(parse_ack("821505", &ok), SN_OK); /* [21, 5] */
	assert_true(ok);
	(void)parse_ack("84150561788101", &ok); /* [21, 5, "x", [1]] */
	assert_true(ok);
	(void)parse_ack("8115", &ok);
	assert_false(ok);
	(void)parse_ack("821500", &ok); /* seq is 1 at least. */
	assert_false(ok);
	(void)parse_ack("82156135", &ok); /* a text */
	assert_false(ok);
}

static void nesting_deeper_than_four_is_refused(void **state)
{
	bool ok;

	(void)state;
	(void)parse_ack("83150581818101", &ok); /* Depth 4. */
	assert_true(ok);
	(void)parse_ack("8315058181818101", &ok);
	assert_false(ok);
}

static void a_later_versions_field_may_be_of_any_type(void **state)
{
	static const char *const good[] = { "831505a0", "831505a10102",
		"831505c101", "831505f93c00", "83150520", "831505f7" };
	bool ok;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		(void)parse_ack(good[i], &ok);
		assert_true(ok);
	}
}

static void indefinite_lengths_are_refused_everywhere(void **state)
{
	static const char *const bad[] = { "9f1505ff", "8315055f4161ff",
		"8315059f01ff", "831505bf0102ff", "831505a101", "831505c1" };
	bool ok;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		(void)parse_ack(bad[i], &ok);
		assert_false(ok);
	}
}

static void text_that_is_not_utf8_is_refused(void **state)
{
	static const char *const bad[] = { "c080", "eda080", "f4908080", "ff" };
	struct sn_frame frame;
	struct sn_frame_bye got;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint8_t b[64] = { 0 }, raw[8];
		struct sn_wr w = sn_wr_over(b, sizeof(b));
		struct sn_frame_bye f = { .code = sn_bytes_of("x") };
		size_t n = strlen(bad[i]) / 2;

		assert_true(sn_bytes_unhex(bad[i], raw, n));
		f.text = (struct sn_bytes){ raw, n };
		sn_frame_put_bye(&w, &f);
		assert_int_equal(
		    sn_frame_open(b, w.n, SN_FRAME_MAX, &frame), SN_OK);
		assert_false(sn_frame_get_bye(&frame, &got));
	}
}

static void a_stored_tail_makes_the_frame_deliver_writes(void **state)
{
	struct sn_frame_deliver f = { .seq = 42, .time = 1764000000000 };
	uint8_t tail[256], one[256], two[256];
	struct sn_wr wt = sn_wr_over(tail, sizeof(tail));
	struct sn_wr w1 = sn_wr_over(one, sizeof(one));
	struct sn_wr w2 = sn_wr_over(two, sizeof(two));

	(void)state;
	f.to = sn_bytes_of("bob");
	f.from = sn_bytes_of("alice");
	f.device = sn_bytes_of("laptop");
	f.content_type = sn_bytes_of("text/plain");
	f.body = sn_bytes_of("hi");
	f.expires = 1764000600000;
	sn_frame_put_tail(&wt, &f);
	sn_frame_put_deliver(&w1, &f);
	sn_frame_put_deliver_tail(
	    &w2, f.seq, (struct sn_bytes){ tail, wt.n }, f.expires);
	assert_int_equal(w1.n, w2.n);
	assert_memory_equal(one, two, w1.n);
}

static void one_that_does_not_expire_is_as_it_was_before(void **state)
{
	uint8_t tail[8] = { 0 }, space[64];

	(void)state;
	for (uint64_t expires = 0; expires <= 1; expires++) {
		struct sn_wr w = sn_wr_over(space, sizeof(space));

		sn_frame_put_deliver_tail(
		    &w, 42, (struct sn_bytes){ tail, sizeof(tail) }, expires);
		assert_int_equal(space[4], 0x80 + 9 + expires);
		assert_int_equal(w.n, 4 + 1 + 1 + 2 + sizeof(tail) + expires);
		assert_int_equal(space[3], w.n - 4);
	}
}

static void a_frame_that_does_not_fit_writes_nothing_usable(void **state)
{
	uint8_t b[16];
	struct sn_wr w = sn_wr_over(b, sizeof(b));
	struct sn_frame_send f = sample();

	(void)state;
	sn_frame_put_send(&w, &f);
	assert_true(w.bad);
}

/* A good one of every frame there is, as long as its fields may be short. */
#define FILL_UINT(name, min, max) f.name = (min) + (uint64_t)((min) < (max));
#define FILL_MAYBE(name, min, max) \
	f.name = (struct sn_maybe){ true, (min) + (uint64_t)((min) < (max)) };
#define FILL_TEXT(name, min, max) \
	f.name = (struct sn_bytes){ filling, (min) > 2 ? (min) : 2 };
#define FILL_BYTES(name, min, max) FILL_TEXT(name, min, max)
#define FILL_ID(name, min, max) memset(f.name, 0x11, sizeof(f.name));
#define FILL_BOOL(name, min, max) f.name = true;
#define FILL_LIST(name, min, max) f.name = SN_FEATURES_ALL;
#define FILL_LATER_UINT(name, min, max) FILL_UINT(name, min, max)
#define FILL_LATER_MAYBE(name, min, max) FILL_MAYBE(name, min, max)
#define FILL_LATER_BOOL(name, min, max) FILL_BOOL(name, min, max)
#define FILL(KIND, name, min, max) FILL_##KIND(name, min, max)

/* What was parsed lies within the frame. */
#define HELD_UINT(name) (void)f.name;
#define HELD_MAYBE(name) (void)f.name;
#define HELD_TEXT(name) assert_true(within(f.name, b, n));
#define HELD_BYTES(name) HELD_TEXT(name)
#define HELD_ID(name) (void)f.name;
#define HELD_BOOL(name) (void)f.name;
#define HELD_LIST(name) (void)f.name;
#define HELD_LATER_UINT(name) (void)f.name;
#define HELD_LATER_MAYBE(name) (void)f.name;
#define HELD_LATER_BOOL(name) (void)f.name;
#define HELD(KIND, name, min, max) HELD_##KIND(name)

static const char filling[64] =
    "abcdefghabcdefghabcdefghabcdefghabcdefghabcdefghabcdefghabcdefg";

static bool within(struct sn_bytes field, const uint8_t *b, size_t n)
{
	const uint8_t *p = field.p;

	return (field.n == 0 || (p >= b && p + field.n <= b + n));
}

/* clang-format off */
#define X(number, lower, UPPER)                                             \
static size_t make_##lower(uint8_t *b, size_t size)                         \
{                                                                           \
	struct sn_frame_##lower f = { 0 };                                  \
	struct sn_wr w = sn_wr_over(b, size);                               \
                                                                            \
	SN_FRAME_##lower(FILL)                                              \
	sn_frame_put_##lower(&w, &f);                                       \
	assert_false(w.bad);                                                \
	return (w.n);                                                       \
}                                                                           \
static bool read_##lower(const uint8_t *b, size_t n)                        \
{                                                                           \
	struct sn_frame_##lower f;                                          \
	struct sn_frame frame;                                              \
                                                                            \
	if (sn_frame_open(b, n, SN_FRAME_MAX, &frame) != SN_OK ||           \
	    !sn_frame_get_##lower(&frame, &f))                              \
		return (false);                                             \
	SN_FRAME_##lower(HELD)                                              \
	return (true);                                                      \
}
SN_FRAMES(X)
#undef X
/* clang-format on */

static const struct kind {
	const char *name;
	size_t (*make)(uint8_t *b, size_t size);
	bool (*read)(const uint8_t *b, size_t n);
} kinds[] = {
#define X(number, lower, UPPER) { #UPPER, make_##lower, read_##lower },
	SN_FRAMES(X)
#undef X
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

static void every_frame_reads_back(void **state)
{
	uint8_t b[1024];

	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		size_t n = kinds[i].make(b, sizeof(b));

		if (!kinds[i].read(b, n))
			fail_msg("%s does not read back", kinds[i].name);
		/* Nor is it another one. */
		assert_false(kinds[(i + 1) % KINDS].read(b, n));
	}
}

static void no_prefix_of_any_frame_is_one(void **state)
{
	struct sn_frame frame;
	uint8_t b[1024];

	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		size_t n = kinds[i].make(b, sizeof(b));

		for (size_t cut = 0; cut < n; cut++)
			assert_int_equal(
			    sn_frame_open(b, cut, SN_FRAME_MAX, &frame),
			    SN_EAGAIN);
		/* Nor when its length says that it ends there. */
		for (size_t cut = 1; cut < n - SN_FRAME_HEAD; cut++) {
			b[2] = (uint8_t)(cut >> 8);
			b[3] = (uint8_t)cut;
			if (kinds[i].read(b, n))
				fail_msg("%s cut at %zu is read", kinds[i].name,
				    cut);
		}
	}
}

static void no_bit_flip_of_any_frame_reads_beyond_it(void **state)
{
	uint8_t b[1024];

	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		size_t n = kinds[i].make(b, sizeof(b));

		for (size_t bit = 0; bit < 8 * n; bit++) {
			b[bit / 8] ^= (uint8_t)(1 << (bit % 8));
			(void)kinds[i].read(b, n);
			b[bit / 8] ^= (uint8_t)(1 << (bit % 8));
		}
		assert_true(kinds[i].read(b, n));
	}
}

static void an_appended_field_that_is_not_there_is_null_zero_or_false(
    void **state)
{
	static const struct {
		const char *hex;
		bool history;
	} rooms[] = {
		{ "8518200164236f7073f560", false },
		{ "8618200164236f7073f560f4", false },
		{ "8618200164236f7073f560f5", true },
		{ "8718200164236f7073f560f501", true },
	};
	struct sn_frame_room_create f;
	struct sn_frame frame;
	uint8_t b[64] = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rooms) / sizeof(*rooms); i++) {
		size_t n = strlen(rooms[i].hex) / 2;

		b[3] = (uint8_t)n;
		assert_true(sn_bytes_unhex(rooms[i].hex, b + SN_FRAME_HEAD, n));
		assert_int_equal(
		    sn_frame_open(b, n + SN_FRAME_HEAD, SN_FRAME_MAX, &frame),
		    SN_OK);
		assert_true(sn_frame_get_room_create(&frame, &f));
		assert_int_equal(f.history, rooms[i].history);
	}
}

static void features_are_words_and_unknown_ones_are_passed_over(void **state)
{
	struct sn_frame_hello f = { .version = 1,
		.features = SN_FEATURE_SIGNALS | SN_FEATURE_ROOMS };
	/* [1, 1, ["later", "signals"], ""] */
	static const char hex[] = "840101826"
				  "56c61746572677369676e616c7360";
	struct sn_frame frame;
	uint8_t b[128] = { 0 };
	struct sn_wr w = sn_wr_over(b, sizeof(b));
	size_t n = strlen(hex) / 2;

	(void)state;
	sn_frame_put_hello(&w, &f);
	assert_int_equal(sn_frame_open(b, w.n, SN_FRAME_MAX, &frame), SN_OK);
	assert_true(sn_frame_get_hello(&frame, &f));
	assert_int_equal(f.features, SN_FEATURE_SIGNALS | SN_FEATURE_ROOMS);
	b[3] = (uint8_t)n;
	assert_true(sn_bytes_unhex(hex, b + SN_FRAME_HEAD, n));
	assert_int_equal(
	    sn_frame_open(b, n + SN_FRAME_HEAD, SN_FRAME_MAX, &frame), SN_OK);
	assert_true(sn_frame_get_hello(&frame, &f));
	assert_int_equal(f.features, SN_FEATURE_SIGNALS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_reads_back_as_it_was_written),
		cmocka_unit_test(every_prefix_of_a_frame_asks_for_more),
		cmocka_unit_test(a_frame_cut_inside_its_length_is_refused),
		cmocka_unit_test(no_bit_flip_reads_beyond_the_frame),
		cmocka_unit_test(
		    a_length_above_the_limit_is_known_from_four_bytes),
		cmocka_unit_test(
		    unknown_trailing_fields_are_ignored_and_missing_ones_refused),
		cmocka_unit_test(nesting_deeper_than_four_is_refused),
		cmocka_unit_test(indefinite_lengths_are_refused_everywhere),
		cmocka_unit_test(a_later_versions_field_may_be_of_any_type),
		cmocka_unit_test(text_that_is_not_utf8_is_refused),
		cmocka_unit_test(a_stored_tail_makes_the_frame_deliver_writes),
		cmocka_unit_test(one_that_does_not_expire_is_as_it_was_before),
		cmocka_unit_test(
		    a_frame_that_does_not_fit_writes_nothing_usable),
		cmocka_unit_test(every_frame_reads_back),
		cmocka_unit_test(no_prefix_of_any_frame_is_one),
		cmocka_unit_test(no_bit_flip_of_any_frame_reads_beyond_it),
		cmocka_unit_test(
		    an_appended_field_that_is_not_there_is_null_zero_or_false),
		cmocka_unit_test(
		    features_are_words_and_unknown_ones_are_passed_over),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
