/*
 * A wide-area network on one machine, in user space, since not every kernel can delay packets: one TUN device in each of
 * several network namespaces, all of them around an ideal core.
 *
 *   wan NAMESPACE:IPV4:RTT_MS:MBIT:LOSS_PERCENT ...
 *
 * A packet from A to B takes A's uplink (rate, half its round trip, loss), then B's downlink. A link queues up to a quarter of a
 * second and 1 MiB, and then drops. MBIT 0 is no limit. Frames that TCP has not cut yet pass whole where nothing is lost.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEADER ((int)sizeof(struct virtio_net_hdr))
#define QUEUE_SECONDS 0.25
#define QUEUE_BITS (8.0 * 1024 * 1024)

typedef struct {
  int fd;
  uint32_t address;
  double delay, rate, loss;
  double up_free, down_free; /* when the link has sent what it has */
} Host;

typedef struct {
  double due;
  uint64_t order;
  int to, length;
  uint8_t *bytes;
} Packet;

static Host hosts[16];
static int host_count;
static Packet *heap;
static int heap_count, heap_size;
static volatile sig_atomic_t stopped;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static int earlier(const Packet *a, const Packet *b) {
  return a->due < b->due || (a->due == b->due && a->order < b->order);
}

static void push(Packet packet) {
  if (heap_count == heap_size) {
    heap_size = heap_size ? heap_size * 2 : 4096;
    heap = realloc(heap, heap_size * sizeof *heap);
    if (!heap) abort();
  }
  int at = heap_count++;
  while (at && earlier(&packet, &heap[(at - 1) / 2])) {
    heap[at] = heap[(at - 1) / 2];
    at = (at - 1) / 2;
  }
  heap[at] = packet;
}

static Packet pop(void) {
  Packet first = heap[0], last = heap[--heap_count];
  int at = 0, child;
  while ((child = 2 * at + 1) < heap_count) {
    if (child + 1 < heap_count && earlier(&heap[child + 1], &heap[child])) child++;
    if (!earlier(&heap[child], &last)) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = last;
  return first;
}

/* When a packet that is at a link at `at` has left it; negative where its queue is full. */
static double through(double *free_at, double rate, double at, double bits) {
  if (rate == 0) return at;
  double begins = *free_at > at ? *free_at : at;
  if (begins - at > QUEUE_SECONDS + QUEUE_BITS / rate) return -1;
  return *free_at = begins + bits / rate;
}

static void take(int from, const uint8_t *frame, int length, double at) {
  static uint64_t order;
  const uint8_t *ip = frame + HEADER;
  if (length < HEADER + 20 || ip[0] >> 4 != 4) return;
  uint32_t to_address;
  memcpy(&to_address, ip + 16, 4);
  int to = 0;
  while (to < host_count && hosts[to].address != to_address) to++;
  if (to == host_count || to == from) return;
  Host *a = &hosts[from], *b = &hosts[to];
  double bits = 8.0 * (length - HEADER);
  if ((a->loss && drand48() < a->loss) || (b->loss && drand48() < b->loss)) return;
  double due = through(&a->up_free, a->rate, at, bits);
  if (due < 0) return;
  due = through(&b->down_free, b->rate, due + a->delay, bits);
  if (due < 0) return;
  uint8_t *bytes = malloc(length);
  if (!bytes) return;
  memcpy(bytes, frame, length);
  push((Packet){due + b->delay, order++, to, length, bytes});
}

static void stop(int signal) { stopped = signal; }

static int open_host(const char *text, Host *host) {
  char name[64], ip[32], path[128];
  double rtt, mbit, loss;
  if (sscanf(text, "%63[^:]:%31[^:]:%lf:%lf:%lf", name, ip, &rtt, &mbit, &loss) != 5) return -1;
  *host = (Host){.address = inet_addr(ip), .delay = rtt / 2000, .rate = mbit * 1e6, .loss = loss / 100};
  snprintf(path, sizeof path, "/run/netns/%s", name);
  int ns = open(path, O_RDONLY);
  if (ns < 0 || setns(ns, CLONE_NEWNET)) return -1;
  close(ns);
  host->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
  strcpy(request.ifr_name, "wan0");
  return host->fd < 0 || ioctl(host->fd, TUNSETIFF, &request) ? -1 : 0;
}

static void set_up(Host *host, unsigned offload) {
  int header = HEADER;
  ioctl(host->fd, TUNSETVNETHDRSZ, &header);
  if (ioctl(host->fd, TUNSETOFFLOAD, offload)) perror("offload");
}

int main(int count, char **texts) {
  unsigned offload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
  prctl(PR_SET_TIMERSLACK, 1000);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
  srand48(42);
  for (int i = 1; i < count && host_count < 16; i++) {
    if (open_host(texts[i], &hosts[host_count])) {
      perror(texts[i]);
      return 1;
    }
    if (hosts[host_count++].loss) offload = TUN_F_CSUM;
  }
  for (int i = 0; i < host_count; i++) set_up(&hosts[i], offload);
  puts("ready");
  fflush(stdout);

  static uint8_t frame[70000];
  struct pollfd polled[16];
  while (!stopped) {
    for (int i = 0; i < host_count; i++) polled[i] = (struct pollfd){.fd = hosts[i].fd, .events = POLLIN};
    struct timespec wait, *until = NULL;
    if (heap_count) {
      double left = heap[0].due - now();
      if (left < 0) left = 0;
      wait = (struct timespec){(time_t)left, (long)((left - (time_t)left) * 1e9)};
      until = &wait;
    }
    ppoll(polled, host_count, until, NULL);
    double at = now();
    for (int i = 0; i < host_count; i++) {
      if (!(polled[i].revents & POLLIN)) continue;
      for (int k = 0; k < 64; k++) {
        int length = read(hosts[i].fd, frame, sizeof frame);
        if (length <= 0) break;
        take(i, frame, length, at);
      }
    }
    at = now();
    while (heap_count && heap[0].due <= at) {
      Packet packet = pop();
      if (write(hosts[packet.to].fd, packet.bytes, packet.length) < 0) { /* lost */ }
      free(packet.bytes);
    }
  }
  return 0;
}
