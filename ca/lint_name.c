#include <string.h>

#include "ca/lint.h"
#include "ca/utf8.h"

#define TEXT_MAX 64 /* ub-common-name, ub-organization-name */
#define SEEN_MAX 16

static const uint8_t oid_cn[] = { 0x55, 0x04, 0x03 };
static const uint8_t oid_country[] = { 0x55, 0x04, 0x06 };

static bool is_printable(const struct der *v)
{
	static const char extra[] = " '()+,-./:=?";

	for (size_t i = 0; i < v->n; i++) {
		uint8_t c = v->p[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			     (c >= 'A' && c <= 'Z');

		if (!plain && (c == 0 || strchr(extra, c) == NULL))
			return (false);
	}
	return (true);
}

static void lint_value(struct lint *l, const struct der *type, uint8_t tag,
    const struct der *v, const char *what)
{
	if (v->n == 0) {
		lint_add(l, "the %s has an empty attribute", what);
		return;
	}
	if (tag == DER_PRINTABLE) {
		if (!is_printable(v))
			lint_add(l, "the %s has a wrong PrintableString", what);
	} else if (tag == DER_UTF8) {
		if (!utf8_is_text(v->p, v->n))
			lint_add(l, "the %s has no proper UTF-8 text", what);
	} else {
		lint_add(l,
		    "the %s has a string that is neither UTF8String "
		    "nor PrintableString",
		    what);
	}
	if (der_is(type, oid_country, sizeof(oid_country)) &&
	    (tag != DER_PRINTABLE || v->n != 2))
		lint_add(l, "the %s's country is not two letters", what);
	if (utf8_count(v->p, v->n) > TEXT_MAX)
		lint_add(l, "the %s has an attribute longer than %d characters",
		    what, TEXT_MAX);
}

static struct der lint_attribute(
    struct lint *l, struct der *name, const char *what)
{
	struct der set = der_take(name, DER_SET);
	struct der pair = der_take(&set, DER_SEQUENCE);
	struct der type = der_take(&pair, DER_OID), value;
	uint8_t tag;

	value = der_next(&pair, &tag);
	if (!der_end(&pair) || !der_end(&set)) {
		lint_add(l,
		    "the %s has an attribute that is not alone in its "
		    "RDN, or is broken",
		    what);
		name->bad = true;
		return (type);
	}
	lint_value(l, &type, tag, &value, what);
	return (type);
}

void lint_name(struct lint *l, struct der name, const char *what)
{
	unsigned cns = 0;

	if (name.bad || name.n == 0) {
		lint_add(l, "the %s is empty", what);
		return;
	}
	while (!name.bad && name.n > 0) {
		struct der type = lint_attribute(l, &name, what);

		cns += der_is(&type, oid_cn, sizeof(oid_cn));
	}
	if (cns > 1)
		lint_add(l, "the %s has %u common names", what, cns);
}
