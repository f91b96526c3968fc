#include "lib/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	enum sn_class class;
	const char *text;
} table[SN_ERR_COUNT] = {
#define ROW(code, class, text) [code] = { #code, class, text },
	SN_ERR_TABLE(ROW)
#undef ROW
};

enum sn_class sn_err_class(enum sn_err err)
{
	return (table[err].class);
}

const char *sn_err_text(enum sn_err err)
{
	return (table[err].text);
}

const char *sn_err_name(enum sn_err err)
{
	return (table[err].name);
}

enum sn_err sn_err_of_errno(int number)
{
	switch (number) {
	case ENOENT:
		return (SN_ENOTFOUND);
	case EEXIST:
		return (SN_EEXISTS);
	case ENOSPC:
	case EDQUOT:
		return (SN_ESTOREFULL);
	case ENOMEM:
		return (SN_ENOMEM);
	default:
		return (SN_EIO);
	}
}

enum sn_err sn_why(struct sn_why *why, enum sn_err err, const char *format, ...)
{
	va_list ap;

	if (why == NULL)
		return (err);
	va_start(ap, format);
	(void)vsnprintf(why->text, sizeof(why->text), format, ap);
	va_end(ap);
	return (err);
}

enum sn_err sn_why_errno(
    struct sn_why *why, enum sn_err err, const char *format, ...)
{
	int saved = errno;
	va_list ap;
	size_t n;

	if (why == NULL)
		return (err);
	va_start(ap, format);
	(void)vsnprintf(why->text, sizeof(why->text), format, ap);
	va_end(ap);
	n = strlen(why->text);
	(void)snprintf(
	    why->text + n, sizeof(why->text) - n, ": %s", strerror(saved));
	return (err);
}
