/* NVIDIA's management library for machines without its GPUs: what it tells stands in a text file.
 *
 * Built as libnvidia-ml.so.1 by support.fake_nvml, which also says what the file holds. Only the
 * functions that Sandlot calls are here, with the structures and numbers of nvml.h.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES 64
#define PROCESSES 16
#define TEXT 96

enum { SUCCESS = 0, UNINITIALIZED = 1, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7 };

typedef struct {
  char uuid[TEXT];
  char name[TEXT];
  unsigned long long memory; /* 0: not supported */
  int parent;                /* index of the GPU that it is a part of; -1: it is a GPU */
  int split;                 /* whether it is split into parts */
  int error;                 /* what every question about it answers; 0: what it should */
  unsigned int pids[PROCESSES];
  unsigned int processes;
  int crowded; /* whether there always are more processes than there is room for */
} Device;

typedef struct {
  unsigned long long total, free, used;
} Memory;

typedef struct {
  unsigned int pid;
  unsigned long long memory;
  unsigned int instance, compute;
} Process;

static Device devices[DEVICES];
static int known, failure, opened;

/* Read what is there now. Handles are places in the table, counted from one. */
static int look(void) {
  char line[512], key[16], rest[TEXT];
  unsigned long long number;
  const char *path = getenv("FAKE_NVML");
  FILE *file = path ? fopen(path, "r") : NULL;
  known = failure = 0;
  if (file == NULL) return 0;
  while (fgets(line, sizeof line, file) != NULL) {
    Device *last = known > 0 ? &devices[known - 1] : NULL;
    if (sscanf(line, "%15s %llu %95[^\n]", key, &number, rest) < 2) continue;
    if (strcmp(key, "fails") == 0) {
      failure = (int)number;
    } else if ((strcmp(key, "gpu") == 0 || strcmp(key, "part") == 0) && known < DEVICES) {
      Device *made = &devices[known];
      char *name = strchr(rest, ' ');
      memset(made, 0, sizeof *made);
      made->parent = -1;
      made->memory = number;
      if (name != NULL) {
        *name = '\0';
        strcpy(made->name, name + 1);
      }
      strcpy(made->uuid, rest);
      if (key[0] == 'p') {
        int parent = known - 1;
        while (parent >= 0 && devices[parent].parent >= 0) parent--;
        made->parent = parent;
        devices[parent].split = 1;
      }
      known++;
    } else if (last != NULL && strcmp(key, "split") == 0) {
      last->split = (int)number;
    } else if (last != NULL && strcmp(key, "lost") == 0) {
      last->error = (int)number;
    } else if (last != NULL && strcmp(key, "crowd") == 0) {
      last->crowded = (int)number;
    } else if (last != NULL && strcmp(key, "process") == 0 && last->processes < PROCESSES) {
      last->pids[last->processes++] = (unsigned int)number;
    }
  }
  fclose(file);
  return failure;
}

static int find(void *handle, Device **found) {
  size_t place = (size_t)handle;
  if (!opened) return UNINITIALIZED;
  if (place < 1 || place > (size_t)known) return NOT_FOUND;
  *found = &devices[place - 1];
  return (*found)->error;
}

/* Find the device of a kind that has `index` others of it before: GPUs (-1), or parts of one. */
static int nth(unsigned int index, int parent, void **handle) {
  for (int place = 0; place < known; place++) {
    if (devices[place].parent == parent && index-- == 0) {
      *handle = (void *)(size_t)(place + 1);
      return devices[place].error;
    }
  }
  return NOT_FOUND;
}

int nvmlInitWithFlags(unsigned int flags) {
  int answer = look();
  (void)flags;
  opened = answer == SUCCESS;
  return answer;
}

int nvmlShutdown(void) {
  opened = 0;
  return SUCCESS;
}

const char *nvmlErrorString(int error) { return error == 15 ? "GPU is lost" : "Some error"; }

int nvmlDeviceGetCount_v2(unsigned int *count) {
  int answer = opened ? look() : UNINITIALIZED;
  opened = answer == SUCCESS; /* else it has to be opened again, as after a driver was unloaded */
  *count = 0;
  for (int place = 0; answer == SUCCESS && place < known; place++)
    *count += devices[place].parent == -1;
  return answer;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **handle) {
  return nth(index, -1, handle);
}

int nvmlDeviceGetUUID(void *handle, char *text, unsigned int length) {
  Device *found = NULL;
  int answer = find(handle, &found);
  if (answer == SUCCESS) snprintf(text, length, "%s", found->uuid);
  return answer;
}

int nvmlDeviceGetName(void *handle, char *text, unsigned int length) {
  Device *found = NULL;
  int answer = find(handle, &found);
  if (answer == SUCCESS) snprintf(text, length, "%s", found->name);
  return answer;
}

int nvmlDeviceGetMemoryInfo(void *handle, Memory *memory) {
  Device *found = NULL;
  int answer = find(handle, &found);
  if (answer != SUCCESS) return answer;
  if (found->memory == 0) return NOT_SUPPORTED;
  memory->total = memory->free = found->memory;
  memory->used = 0;
  return SUCCESS;
}

int nvmlDeviceGetMigMode(void *handle, unsigned int *current, unsigned int *pending) {
  Device *found = NULL;
  int answer = find(handle, &found);
  if (answer == SUCCESS) *current = *pending = (unsigned int)found->split;
  return answer;
}

int nvmlDeviceGetMaxMigDeviceCount(void *handle, unsigned int *count) {
  Device *found = NULL;
  int answer = find(handle, &found);
  *count = 7;
  return answer;
}

int nvmlDeviceGetMigDeviceHandleByIndex(void *handle, unsigned int index, void **part) {
  Device *found = NULL;
  int answer = find(handle, &found);
  return answer != SUCCESS ? answer : nth(index, (int)((size_t)handle - 1), part);
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned int *count, Process *processes) {
  Device *found = NULL;
  unsigned int room = *count;
  int answer = find(handle, &found);
  if (answer != SUCCESS) return answer;
  *count = found->processes;
  if (found->crowded || room < found->processes) return INSUFFICIENT_SIZE;
  for (unsigned int each = 0; each < found->processes; each++)
    processes[each] = (Process){.pid = found->pids[each]};
  return SUCCESS;
}
