"""What is asked of a server and made of its answers, without any network."""
