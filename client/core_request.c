#include "client/core_internal.h"

#define SECRET_FRAME 2304

/* A request under a ref of its own, which is returned. */
#define REQUEST(name, frame, parameters, ...)                   \
	uint32_t core_##name parameters                         \
	{                                                       \
		uint32_t ref = core_session_ref(core);          \
                                                                \
		CORE_PUT(core, frame, .ref = ref, __VA_ARGS__); \
		return (ref);                                   \
	}
#define TEXT(name) .name = sn_bytes_of(name)

REQUEST(history, history,
    (struct core * core, const char *with, const struct core_range *range),
    TEXT(with), .before = range->before, .after = range->after,
    .limit = range->limit, .before_time = range->before_time,
    .after_time = range->after_time)
REQUEST(read, read, (struct core * core, const char *with, uint64_t seq),
    TEXT(with), .seq = seq)
REQUEST(receipts, receipts, (struct core * core, const char *with), TEXT(with))
REQUEST(signal, signal, (struct core * core, const char *to, const char *kind),
    TEXT(to), TEXT(kind))
REQUEST(presence, presence_get, (struct core * core, const char *of), TEXT(of))
REQUEST(directory, directory, (struct core * core, const char *account),
    TEXT(account))
REQUEST(away, presence_set, (struct core * core, bool away),
    .state = sn_bytes_of(away ? "away" : "online"))

REQUEST(room_create, room_create,
    (struct core * core, const char *room, const struct core_room *how),
    TEXT(room), .open = how->open, .topic = sn_bytes_of(how->topic),
    .history = how->history)
REQUEST(
    room_join, room_join, (struct core * core, const char *room), TEXT(room))
REQUEST(
    room_leave, room_leave, (struct core * core, const char *room), TEXT(room))
REQUEST(room_invite, room_invite,
    (struct core * core, const char *room, const char *account), TEXT(room),
    TEXT(account))
REQUEST(room_remove, room_remove,
    (struct core * core, const char *room, const char *account), TEXT(room),
    TEXT(account))
REQUEST(room_list, room_list, (struct core * core), .no_more_fields = 0)
REQUEST(room_members, room_members, (struct core * core, const char *room),
    TEXT(room))
REQUEST(room_topic, room_topic,
    (struct core * core, const char *room, const char *topic), TEXT(room),
    TEXT(topic))
REQUEST(room_delete, room_delete, (struct core * core, const char *room),
    TEXT(room))
REQUEST(room_history, room_history,
    (struct core * core, const char *room, bool open), TEXT(room), .open = open)
REQUEST(room_role, room_role,
    (struct core * core, const char *room, const char *account,
	const char *role),
    TEXT(room), TEXT(account), TEXT(role))

enum sn_err core_change(struct core *core, struct sn_bytes old,
    struct sn_bytes fresh, uint32_t *ref)
{
	struct sn_frame_password f = { .old = old, .fresh = fresh };
	struct sn_wr w;
	enum sn_err err = core_wire_secret(core, SECRET_FRAME, &w);

	if (err != SN_OK)
		return (err);
	f.ref = *ref = core_session_ref(core);
	sn_frame_put_password(&w, &f);
	core_wire_put_secret(core, &w);
	return (SN_OK);
}
