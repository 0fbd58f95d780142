"""The channels: sentences, words, scans, regions, whole reports. Each gives scored studies."""
