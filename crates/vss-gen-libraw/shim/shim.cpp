// What vss-gen-libraw needs of LibRaw, behind functions whose arguments never change: the layout of
// LibRaw's own types differs from version to version, so it is the compiler's to know, from the
// headers that belong to the library that is linked. No exception leaves this file.

#include <cstddef>
#include <cstdint>
#include <new>

#include <libraw/libraw.h>

namespace {

// How a step ended. The numbers are those of `Class` in src/shim.rs.
enum Class : int32_t { FINE = 0, UNSUPPORTED = 1, CORRUPT = 2, TOO_LARGE = 3, MEMORY = 4, STOPPED = 5 };

Class class_of(int code) {
  switch (code) {
  case LIBRAW_SUCCESS:
    return FINE;
  case LIBRAW_FILE_UNSUPPORTED:
  case LIBRAW_REQUEST_FOR_NONEXISTENT_IMAGE:
  case LIBRAW_NOT_IMPLEMENTED:
    return UNSUPPORTED;
  case LIBRAW_UNSUFFICIENT_MEMORY:
  case LIBRAW_MEMPOOL_OVERFLOW:
    return MEMORY;
  case LIBRAW_TOO_BIG:
    return TOO_LARGE;
  case LIBRAW_CANCELLED_BY_CALLBACK:
    return STOPPED;
  default:
    return CORRUPT;
  }
}

// A dark picture is made brighter by no more than two stops, or a night would look like day.
const float MOST_GAIN = 4.0f;

} // namespace

extern "C" {

// Whether to go on: 0 stops.
typedef int32_t (*vss_go_on)(void *told);

struct vss_end {
  int32_t which;
  const char *text; // of static storage, or null
};

struct vss_sizes {
  uint32_t raw_width, raw_height; // all places of the sensor
  uint32_t width, height;         // the picture, upright
  uint32_t bytes_a_place;         // that are held of the sensor's data
  uint32_t shrinks;               // 1: two by two places can become a pixel
};

struct vss_picture {
  uint32_t width, height, colours; // upright, 8 bits a colour
};

struct vss_library : LibRaw {
  // Of such data a copy is made when it is developed.
  bool copies() { return is_phaseone_compressed() != 0; }
};

struct vss_raw {
  vss_library library;
  vss_go_on go_on;
  void *told;
  uint32_t faults;

  vss_raw(vss_go_on go_on, void *told) : library(), go_on(go_on), told(told), faults(0) {}
};

} // extern "C"

namespace {

int progressed(void *data, enum LibRaw_progress, int, int) {
  vss_raw *raw = static_cast<vss_raw *>(data);
  return raw->go_on(raw->told) ? 0 : 1;
}

// In place of LibRaw's own, which writes to standard error. Its last argument grew with the versions.
template <class Offset> void damaged(void *data, const char *, Offset) {
  static_cast<vss_raw *>(data)->faults += 1;
}

// Older ones have a second such handler, for want of memory.
#if !LIBRAW_COMPILE_CHECK_VERSION_NOTLESS(0, 21)
void starved(void *, const char *, const char *) {}
#endif

// Of an original that is in memory whole, LibRaw's own words for it would send one to the disk.
const char *text_of(int code) {
  return code == LIBRAW_IO_ERROR ? "the data is damaged or ends early" : LibRaw::strerror(code);
}

template <class Step> vss_end guarded(Step step) {
  try {
    int code = step();
    vss_end end = {class_of(code), code ? text_of(code) : nullptr};
    return end;
  } catch (const std::bad_alloc &) {
    vss_end end = {MEMORY, "memory that is not to be had"};
    return end;
  } catch (...) {
    vss_end end = {CORRUPT, "it tripped over the file"};
    return end;
  }
}

// One place in a hundred may be as bright as can be, which is LibRaw's own measure; it knows no bound.
void bound_the_gain(LibRaw &library) {
  auto *histogram = library.get_internal_data_pointer()->output_data.histogram;
  if (!histogram)
    return;
  const libraw_image_sizes_t &sizes = library.imgdata.sizes;
  const int most = int(float(sizes.width) * float(sizes.height) * library.imgdata.params.auto_bright_thr);
  int white = 1;
  for (int colour = 0; colour < library.imgdata.idata.colors; colour++) {
    int at = LIBRAW_HISTOGRAM_SIZE, total = 0;
    while (--at > 32 && (total += histogram[colour][at]) <= most) {
    }
    white = white < at ? at : white;
  }
  const float gain = float(LIBRAW_HISTOGRAM_SIZE) / float(white);
  library.imgdata.params.no_auto_bright = 1;
  library.imgdata.params.bright = gain < MOST_GAIN ? gain : MOST_GAIN;
}

} // namespace

extern "C" {

// Null when there is no memory for it.
vss_raw *vss_raw_new(vss_go_on go_on, void *told) {
  try {
    vss_raw *raw = new vss_raw(go_on, told);
    raw->library.set_progress_handler(progressed, raw);
    raw->library.set_dataerror_handler(damaged, raw);
#if !LIBRAW_COMPILE_CHECK_VERSION_NOTLESS(0, 21)
    raw->library.set_memerror_handler(starved, raw);
#endif
    return raw;
  } catch (...) {
    return nullptr;
  }
}

void vss_raw_drop(vss_raw *raw) {
  try {
    delete raw;
  } catch (...) {
  }
}

// The bytes must stay where they are until they are developed or the end, and are not written to.
vss_end vss_raw_open(vss_raw *raw, const uint8_t *bytes, size_t length, uint32_t most_megabytes, vss_sizes *sizes) {
  return guarded([=]() -> int {
    libraw_output_params_t &params = raw->library.imgdata.params;
    params.use_camera_wb = 1;
    params.output_color = 1; // sRGB
    params.output_bps = 8;
    params.gamm[0] = 1.0 / 2.4; // the curve of sRGB (IEC 61966-2-1)
    params.gamm[1] = 12.92;
    params.user_qual = 2; // PPG: in place, and what is made of it is smaller anyway
    params.user_flip = -1; // as the file says
#if LIBRAW_COMPILE_CHECK_VERSION_NOTLESS(0, 21)
    raw->library.imgdata.rawparams.max_raw_memory_mb = most_megabytes;
#else
    params.max_raw_memory_mb = most_megabytes;
#endif
    int code = raw->library.open_buffer(const_cast<uint8_t *>(bytes), length);
    if (code)
      return code;
    const libraw_image_sizes_t &said = raw->library.imgdata.sizes;
    const bool turned = said.flip & 4;
    sizes->raw_width = said.raw_width > said.width ? said.raw_width : said.width;
    sizes->raw_height = said.raw_height > said.height ? said.raw_height : said.height;
    sizes->width = turned ? said.height : said.width;
    sizes->height = turned ? said.width : said.height;
    const bool filtered = raw->library.imgdata.idata.filters != 0;
    const bool mosaic = filtered || raw->library.imgdata.idata.colors == 1;
    sizes->bytes_a_place = (mosaic ? 1 : 4) * (raw->library.is_floating_point() ? 6 : 2);
    sizes->bytes_a_place += raw->library.copies() ? 2 : 0;
    sizes->shrinks = filtered ? 1 : 0;
    return 0;
  });
}

vss_end vss_raw_unpack(vss_raw *raw, int32_t half) {
  return guarded([=]() -> int {
    raw->library.imgdata.params.half_size = half ? 1 : 0;
    return raw->library.unpack();
  });
}

// Some makers' data is corrected by what the file says of it, so the bytes are read here too; when it
// went well, they are not read any more.
vss_end vss_raw_develop(vss_raw *raw, vss_picture *picture) {
  return guarded([=]() -> int {
    int code = raw->library.dcraw_process();
    if (code)
      return code;
    raw->library.recycle_datastream();
    int width = 0, height = 0, colours = 0, bits = 0;
    raw->library.get_mem_image_format(&width, &height, &colours, &bits);
    if (width <= 0 || height <= 0 || bits != 8 || (colours != 1 && colours != 3))
      return LIBRAW_NOT_IMPLEMENTED;
    bound_the_gain(raw->library);
    picture->width = uint32_t(width);
    picture->height = uint32_t(height);
    picture->colours = uint32_t(colours);
    return 0;
  });
}

// Into height rows of width pixels of as many bytes as there are colours.
vss_end vss_raw_copy(vss_raw *raw, const vss_picture *picture, uint8_t *into) {
  return guarded([=]() -> int {
    return raw->library.copy_mem_image(into, int(picture->width * picture->colours), 0);
  });
}

// How often the sensor's data made no sense.
uint32_t vss_raw_faults(const vss_raw *raw) {
  return raw->faults;
}

const char *vss_raw_version() {
  return LibRaw::version();
}

} // extern "C"
