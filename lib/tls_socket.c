#include "lib/tls_internal.h"

#include <errno.h>
#include <sys/socket.h>

/*
 * OpenSSL's own socket BIO writes with write(2), and a peer that has gone
 * away raises SIGPIPE.  This one uses send(2), and notes the end of the
 * stream and the system's error where they happen.
 */

/* Above OpenSSL's own types, below those that programs may register. */
#define TYPE_SOCKET (BIO_TYPE_SOURCE_SINK | 127)

static bool may_retry(int error)
{
	return (error == EAGAIN || error == EWOULDBLOCK || error == EINTR);
}

static int socket_write(BIO *bio, const char *p, int n)
{
	struct sn_tls *tls = BIO_get_data(bio);
	ssize_t put = send(tls->fd, p, (size_t)n, MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	if (put < 0 && may_retry(errno))
		BIO_set_retry_write(bio);
	else if (put < 0)
		tls->system = errno;
	return ((int)put);
}

static int socket_read(BIO *bio, char *out, int n)
{
	struct sn_tls *tls = BIO_get_data(bio);
	ssize_t got = recv(tls->fd, out, (size_t)n, 0);

	BIO_clear_retry_flags(bio);
	tls->drained = got < n;
	if (got < 0 && may_retry(errno)) {
		BIO_set_retry_read(bio);
		tls->starved = true;
	} else if (got < 0) {
		tls->system = errno;
	} else if (got == 0 && n > 0) {
		tls->eof = true;
	}
	return ((int)got);
}

static long socket_ctrl(BIO *bio, int command, long n, void *p)
{
	const struct sn_tls *tls = BIO_get_data(bio);

	(void)n;
	(void)p;
	switch (command) {
	case BIO_CTRL_FLUSH:
		return (1);
	case BIO_CTRL_EOF:
		return (tls->eof);
	default:
		return (0);
	}
}

BIO_METHOD *sn_tls_socket_method(void)
{
	BIO_METHOD *method = BIO_meth_new(TYPE_SOCKET, "socket");

	if (method == NULL)
		return (NULL);
	(void)BIO_meth_set_write(method, socket_write);
	(void)BIO_meth_set_read(method, socket_read);
	(void)BIO_meth_set_ctrl(method, socket_ctrl);
	return (method);
}

BIO *sn_tls_socket(struct sn_tls *tls)
{
	BIO *bio = BIO_new(tls->context->method);

	if (bio == NULL)
		return (NULL);
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	return (bio);
}
