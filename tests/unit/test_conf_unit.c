#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/conf_unit.h"

static const struct {
	enum sn_conf_type type;
	const char *text;
	uint64_t is;
	const char *shown; /* NULL: as it was written. */
} right[] = {
	{ SN_CONF_INT, "0", 0, NULL },
	{ SN_CONF_INT, "5000000000", 5000000000, NULL },
	{ SN_CONF_INT, "18446744073709551615", UINT64_MAX, NULL },
	{ SN_CONF_INT, "03", 3, "3" },
	{ SN_CONF_SIZE, "0", 0, NULL },
	{ SN_CONF_SIZE, "1023B", 1023, NULL },
	{ SN_CONF_SIZE, "1023", 1023, "1023B" },
	{ SN_CONF_SIZE, "1024B", 1024, "1KiB" },
	{ SN_CONF_SIZE, "3MiB", UINT64_C(3) << 20, NULL },
	{ SN_CONF_SIZE, "10GiB", UINT64_C(10) << 30, NULL },
	{ SN_CONF_SIZE, "16777215TiB", UINT64_C(16777215) << 40, NULL },
	{ SN_CONF_DURATION, "0", 0, NULL },
	{ SN_CONF_DURATION, "200ms", 200, NULL },
	{ SN_CONF_DURATION, "90s", 90000, NULL },
	{ SN_CONF_DURATION, "5m", 300000, NULL },
	{ SN_CONF_DURATION, "48h", 172800000, "2d" },
	{ SN_CONF_DURATION, "60m", 3600000, "1h" },
};

static void what_is_written_is_its_number_and_shown_reads_back(void **state)
{
	char shown[32];
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		assert_true(
		    sn_conf_unit_parse(right[i].text, right[i].type, &v));
		assert_int_equal(v, right[i].is);
		assert_string_equal(
		    sn_conf_unit_show(v, right[i].type, shown, sizeof(shown)),
		    right[i].shown != NULL ? right[i].shown : right[i].text);
		assert_true(sn_conf_unit_parse(shown, right[i].type, &v));
		assert_int_equal(v, right[i].is);
	}
}

static const struct {
	enum sn_conf_type type;
	const char *text;
} wrong[] = {
	{ SN_CONF_INT, "" },
	{ SN_CONF_INT, " 3" },
	{ SN_CONF_INT, "3 " },
	{ SN_CONF_INT, "+3" },
	{ SN_CONF_INT, "-3" },
	{ SN_CONF_INT, "3B" },
	{ SN_CONF_INT, "0x3" },
	{ SN_CONF_INT, "18446744073709551616" },
	{ SN_CONF_SIZE, "GiB" },
	{ SN_CONF_SIZE, "3GB" },
	{ SN_CONF_SIZE, "3gib" },
	{ SN_CONF_SIZE, "3 GiB" },
	{ SN_CONF_SIZE, "3s" },
	{ SN_CONF_SIZE, "16777216TiB" },
	{ SN_CONF_DURATION, "90" }, /* Of what? */
	{ SN_CONF_DURATION, "-5s" },
	{ SN_CONF_DURATION, "5sec" },
	{ SN_CONF_DURATION, "5B" },
	{ SN_CONF_DURATION, "18446744073709551615s" },
};

static void what_is_no_number_of_its_kind_is_refused(void **state)
{
	uint64_t v = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		if (sn_conf_unit_parse(wrong[i].text, wrong[i].type, &v))
			fail_msg("%s was taken", wrong[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_is_written_is_its_number_and_shown_reads_back),
		cmocka_unit_test(what_is_no_number_of_its_kind_is_refused),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
