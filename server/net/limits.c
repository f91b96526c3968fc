#include "server/net/limits.h"

#include "server/net/loop.h"
#include "server/net/net_impl.h"
#include "server/net/sess_error.h"

static const struct {
	const char *key, *text;
} limits[LIMITS_COUNT] = {
#define X(name, key, text) { key, text },
	LIMITS_TABLE(X)
#undef X
};

void limits_reached(struct net *net, enum limits_which which)
{
	atomic_fetch_add_explicit(
	    &net->limits.reached[which], 1, memory_order_relaxed);
}

void limits_error(struct sess *s, uint64_t ref, enum limits_which which)
{
	limits_reached(s->loop->net, which);
	sess_error(s, &ref, "limit", limits[which].text);
}

enum limits_which limits_of(const struct oplog_request *request)
{
	switch (request->applied.full) {
	case APPLIED_FULL_ROOMS:
		return (LIMITS_ROOMS);
	case APPLIED_FULL_MEMBERS:
		return (LIMITS_MEMBERS);
	case APPLIED_FULL_ACCOUNT_ROOMS:
		return (LIMITS_ACCOUNT_ROOMS);
	case APPLIED_FULL_DEVICES:
		return (LIMITS_DEVICES);
	case APPLIED_FULL_BYTES:
		break;
	}
	return (LIMITS_ACCOUNT_BYTES);
}

json_t *limits_status(struct net *net)
{
	json_t *out = json_object();

	for (size_t i = 0; i < LIMITS_COUNT; i++)
		(void)json_object_set_new(out, limits[i].key,
		    json_integer((json_int_t)atomic_load_explicit(
			&net->limits.reached[i], memory_order_relaxed)));
	return (out);
}
