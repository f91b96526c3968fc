#include "bench/protocol.h"

#include <string.h>

static const struct protocol *const all[] = {
	&protocol_sicher,
	&protocol_mqtt,
	&protocol_nats,
	&protocol_bare,
};

const struct protocol *protocol_find(const char *name)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (strcmp(all[i]->name, name) == 0)
			return (all[i]);
	}
	return (NULL);
}

const char *protocol_names(void)
{
	return ("sicher, mqtt, nats and bare");
}
