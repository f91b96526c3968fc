#ifndef SERVER_PARENT_NOTIFY_H
#define SERVER_PARENT_NOTIFY_H

/**
 * notify_manager(state):
 * Tell the service manager that started us, if it asked for it (systemd's
 * sd_notify(3): a datagram to $NOTIFY_SOCKET), such as "READY=1".  Nothing
 * waits for it, and that it did not arrive harms nothing.
 */
void notify_manager(const char *state);

#endif
