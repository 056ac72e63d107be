"""Bodies with conforming interfaces, by finite elements."""
