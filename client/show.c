#include "client/show.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "client/safe.h"
#include "lib/clock.h"

#define INDENT "    "

static void show_when(uint64_t ms, FILE *to)
{
	time_t seconds = (time_t)(ms / SN_MS_PER_S);
	struct tm tm;
	char text[32];

	if (localtime_r(&seconds, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm) == 0)
		(void)fputs("(no time)", to);
	else
		(void)fputs(text, to);
}

static bool is_text(struct sn_bytes type)
{
	return (type.n >= 5 && memcmp(type.p, "text/", 5) == 0);
}

void show_text(const struct sn_frame_deliver *message, const char *me, FILE *to)
{
	const char *room = message->to.p;
	char line[512];

	show_when(message->time, to);
	(void)fprintf(to, " %s", safe_line(message->from, line, sizeof(line)));
	if (room[0] == '#')
		(void)fprintf(
		    to, " in %s", safe_line(message->to, line, sizeof(line)));
	else if (sn_bytes_equal(message->from, sn_bytes_of(me)) &&
		 !sn_bytes_equal(message->to, message->from))
		(void)fprintf(
		    to, " to %s", safe_line(message->to, line, sizeof(line)));
	(void)fputs(": ", to);
	if (is_text(message->content_type))
		safe_print(message->body, INDENT, to);
	else
		(void)fprintf(to, "[%s, %zu bytes]",
		    safe_line(message->content_type, line, sizeof(line)),
		    message->body.n);
	(void)putc('\n', to);
}

json_t *show_string(struct sn_bytes bytes)
{
	json_t *s = json_stringn(bytes.n > 0 ? bytes.p : "", bytes.n);

	return (s != NULL ? s : json_null());
}

json_t *show_base64(struct sn_bytes body)
{
	unsigned char *text = malloc(body.n / 3 * 4 + 5);
	json_t *s;
	int n;

	if (text == NULL)
		return (json_null());
	n = EVP_EncodeBlock(text, body.p, (int)body.n);
	s = json_stringn((const char *)text, (size_t)n);
	free(text);
	return (s);
}

static const char *rfc3339_ms(uint64_t ms, char out[SN_CLOCK_TEXT + 8])
{
	char text[SN_CLOCK_TEXT];

	(void)sn_clock_rfc3339((int64_t)(ms / SN_MS_PER_S), text);
	text[strcspn(text, "Z")] = '\0';
	(void)snprintf(out, SN_CLOCK_TEXT + 8, "%s.%03uZ", text,
	    (unsigned)(ms % SN_MS_PER_S));
	return (out);
}

void show_json(const struct sn_frame_deliver *message, FILE *to)
{
	char when[SN_CLOCK_TEXT + 8], id[2 * SN_FRAME_ID + 1];
	json_t *o = json_object();
	json_t *body = json_stringn(
	    message->body.n > 0 ? message->body.p : "", message->body.n);
	const char *encoding = body != NULL ? "utf-8" : "base64";

	if (body == NULL)
		body = show_base64(message->body);
	(void)json_object_set_new(
	    o, "seq", json_integer((json_int_t)message->seq));
	(void)json_object_set_new(
	    o, "time", json_string(rfc3339_ms(message->time, when)));
	(void)json_object_set_new(
	    o, "time_ms", json_integer((json_int_t)message->time));
	if (message->expires != 0)
		(void)json_object_set_new(o, "expires_ms",
		    json_integer((json_int_t)message->expires));
	(void)json_object_set_new(o, "from", show_string(message->from));
	(void)json_object_set_new(o, "device", show_string(message->device));
	(void)json_object_set_new(o, "to", show_string(message->to));
	(void)json_object_set_new(
	    o, "id", json_string(sn_bytes_hex(message->id, SN_FRAME_ID, id)));
	(void)json_object_set_new(
	    o, "type", show_string(message->content_type));
	(void)json_object_set_new(o, "encoding", json_string(encoding));
	(void)json_object_set_new(o, "body", body);
	show_line(o, to);
}

void show_line(json_t *object, FILE *to)
{
	(void)json_dumpf(object, to, JSON_COMPACT | JSON_ENSURE_ASCII);
	(void)putc('\n', to);
	json_decref(object);
}
