"""Reads bbolt files and checks them page by page. Written from the format's description alone, and from no code that Martlet has.

  page    16 bytes: id u64, flags u16, count u16, overflow u32; then elements, then keys and values
  meta    at 16: magic u32, version u32, page size u32, flags u32, root u64, sequence u64, free list u64, high-water mark u64,
          transaction u64, FNV-1a of the 56 bytes before it u64
  leaf    elements of flags u32 (1: a bucket), pos u32, key size u32, value size u32; pos counts from the element itself
  branch  elements of pos u32, key size u32, child u64
  bucket  root u64, sequence u64; with root 0 a leaf page follows inline"""
import mmap
import os
import struct

BRANCH, LEAF, META, FREE_LIST = 1, 2, 4, 16
NO_FREE_LIST = (1 << 64) - 1


def fnv1a(data):
    value = 14695981039346656037
    for byte in data:
        value = (value ^ byte) * 1099511628211 & NO_FREE_LIST
    return value


class Damaged(Exception):
    """A file, or a page, that is not as the format says."""


class Meta:
    def __init__(self, data):
        (magic, version, self.page_size, _, self.root, self.sequence, self.free_list, self.pages, self.transaction,
         checksum) = struct.unpack_from("<4I6Q", data, 16)
        if magic != 0xED0CDAED or version != 2 or checksum != fnv1a(data[16:72]):
            raise Damaged("bad meta page")


class Page:
    """A page or, inside a bucket's value, a page image."""

    def __init__(self, data):
        self.data = data
        self.id, self.flags, self.count, self.overflow = struct.unpack_from("<QHHI", data, 0)

    def leaf_elements(self):
        """(key, value, whether it is a bucket), in order; raises Damaged at whatever is out of bounds or order."""
        yield from ((key, value, flags == 1) for flags, key, value in self.elements(lambda at: struct.unpack_from("<4I", self.data, at)))

    def branch_elements(self):
        """(lowest key, child), in order."""
        def element(at):
            position, key_size, child = struct.unpack_from("<2IQ", self.data, at)
            return child, position, key_size, 0
        yield from ((key, child) for child, key, _ in self.elements(element))

    def elements(self, parse):
        end = 16 + 16 * self.count
        if end > len(self.data):
            raise Damaged(f"page {self.id}: {self.count} elements do not fit")
        previous = None
        for at in range(16, end, 16):
            first, position, key_size, value_size = parse(at)
            start = at + position
            if start < end or start + key_size + value_size > len(self.data):
                raise Damaged(f"page {self.id}: the element at {at} is out of bounds or overlaps another")
            end = start + key_size + value_size
            key = bytes(self.data[start:start + key_size])
            if previous is not None and key <= previous:
                raise Damaged(f"page {self.id}: {key!r} follows {previous!r}")
            if not key and not (self.flags & BRANCH and previous is None) or key_size > 32768:
                raise Damaged(f"page {self.id}: a key of {key_size} bytes")
            previous = key
            yield first, key, self.data[start + key_size:end]


class BoltFile:
    def __init__(self, path):
        self.size = os.path.getsize(path)
        with open(path, "rb") as file:
            self.data = memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))
        self.metas = []
        for number in (0, 1):
            try:
                meta = Meta(self.data[4096 * number:4096 * number + 80])
                self.metas.append(meta)
            except (Damaged, struct.error):
                continue
        if not self.metas:
            raise Damaged("neither meta page is valid")
        self.meta = max(self.metas, key=lambda meta: meta.transaction)
        self.reached = {}  # page -> the page it belongs to

    def page(self, number):
        size = self.meta.page_size
        if not 2 <= number < self.meta.pages or (number + 1) * size > self.size:
            raise Damaged(f"page {number} is not in the file")
        page = Page(self.data[number * size:(number + 1) * size])
        if page.id != number or number + page.overflow >= self.meta.pages or (number + page.overflow + 1) * size > self.size:
            raise Damaged(f"page {number} says it is {page.id} with {page.overflow} more")
        page.data = self.data[number * size:(number + page.overflow + 1) * size]
        return page

    def walk(self, number, lower=None, upper=None):
        """(key, value, whether it is a bucket) of everything under a page, each page marked as reached, keys within [lower, upper)."""
        page = self.page(number)
        for part in range(number, number + page.overflow + 1):
            if part in self.reached:
                raise Damaged(f"page {part} is reached twice")
            self.reached[part] = number
        if page.flags == LEAF:
            for key, value, bucket in page.leaf_elements():
                if (lower is not None and key < lower) or (upper is not None and key >= upper):
                    raise Damaged(f"page {number}: {key!r} is not between its parent's keys {lower!r} and {upper!r}")
                yield key, value, bucket
        elif page.flags == BRANCH:
            children = list(page.branch_elements())
            if not children:
                raise Damaged(f"page {number}: a branch without children")
            for index, (key, child) in enumerate(children):
                if (lower is not None and index and key < lower) or (upper is not None and key >= upper):
                    raise Damaged(f"page {number}: {key!r} is not between its parent's keys")
                below = children[index + 1][0] if index + 1 < len(children) else upper
                yield from self.walk(child, key if index else lower, below)
        else:
            raise Damaged(f"page {number}: flags {page.flags:#x} inside a tree")

    def buckets(self):
        """(name, iterator over its (key, value, whether it is a bucket)), in order."""
        for name, value, is_bucket in self.walk(self.meta.root):
            if not is_bucket or len(value) < 16:
                raise Damaged(f"the file's root holds {name!r}, which is no bucket")
            root, _ = struct.unpack_from("<2Q", value)
            if root:
                yield name, self.walk(root)
            else:
                page = Page(value[16:])
                if page.flags != LEAF or page.overflow or len(value) < 32:
                    raise Damaged(f"bucket {name!r}: what is inline is no leaf")
                yield name, page.leaf_elements()

    def contents(self):
        """{bucket: {key: value}}."""
        self.reached = {}
        return {name: {key: bytes(value) for key, value, _ in pairs} for name, pairs in self.buckets()}

    def free_pages(self):
        """The ids in the free list; None if the file has none."""
        if self.meta.free_list == NO_FREE_LIST:
            return None
        page = self.page(self.meta.free_list)
        if page.flags != FREE_LIST:
            raise Damaged(f"page {page.id}: flags {page.flags:#x} for the free list")
        count, at = (page.count, 16) if page.count != 0xFFFF else (struct.unpack_from("<Q", page.data, 16)[0], 24)
        if at + 8 * count > len(page.data):
            raise Damaged(f"a free list of {count} pages does not fit its own")
        for part in range(page.id, page.id + page.overflow + 1):
            self.reached[part] = page.id
        return list(struct.unpack_from(f"<{count}Q", page.data, at))

    def check(self):
        """Raises Damaged unless every page below the high-water mark is reachable just once or free, and all is in order.

        Gives a summary: pages, reachable, free, pairs."""
        pairs, self.reached = 0, {}
        if self.meta.page_size != 4096 or self.meta.pages * self.meta.page_size > self.size:
            raise Damaged(f"{self.meta.pages} pages of {self.meta.page_size} bytes in a file of {self.size}")
        for number, meta in ((meta.transaction % 2, meta) for meta in self.metas):
            page = Page(self.data[number * 4096:(number + 1) * 4096])
            if page.flags != META or struct.unpack_from("<Q", page.data, 64)[0] != meta.transaction:
                raise Damaged(f"transaction {meta.transaction} is not in meta page {number}")
        for _, contents in self.buckets():
            pairs += sum(1 for _ in contents)
        free = self.free_pages()
        if free is not None:
            if free != sorted(set(free)) or any(not 2 <= page < self.meta.pages for page in free):
                raise Damaged("the free list is out of order or names pages that are not")
            if twice := set(free) & set(self.reached):
                raise Damaged(f"page {min(twice)} is both free and in use")
            lost = self.meta.pages - 2 - len(free) - len(self.reached)
            if lost:
                raise Damaged(f"{lost} pages are neither free nor in use")
        return {"pages": self.meta.pages, "reachable": len(self.reached), "free": self.meta.pages - 2 - len(self.reached), "pairs": pairs}

    def leaves_out_of_tree(self):
        """(key, value) of leaf pages in the file that the newest tree does not hold: what older or unfinished commits left."""
        self.contents()
        for number in range(2, self.size // 4096):
            if number in self.reached:
                continue
            page = Page(self.data[4096 * number:4096 * (number + 1)])
            if page.id != number or page.flags != LEAF or (number + page.overflow + 1) * 4096 > self.size:
                continue
            page.data = self.data[4096 * number:4096 * (number + page.overflow + 1)]
            try:
                yield from [(key, value) for key, value, _ in page.leaf_elements()]
            except Damaged:
                continue  # half written, or half overwritten


CASTAGNOLI = []
for start in range(256):
    for _ in range(8):
        start = start >> 1 ^ (0x82F63B78 if start & 1 else 0)
    CASTAGNOLI.append(start)


def crc32c(data, value=0):
    value ^= 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ CASTAGNOLI[(value ^ byte) & 255]
    return value ^ 0xFFFFFFFF


def snapshot_hash(contents):
    """What `etcdutl snapshot status` calls the hash: CRC-32C over buckets, keys and values."""
    value = 0
    for bucket, pairs in contents.items():
        value = crc32c(bucket, value)
        for key, stored in pairs.items():
            value = crc32c(stored, crc32c(key, value))
    return value


def main_revision(key):
    """The main revision of a key of the `key` bucket; None if it is none."""
    return int.from_bytes(key[:8], "big") if len(key) in (17, 18) and key[8:9] == b"_" else None
