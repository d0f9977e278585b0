"""What became of ticket replies, summed up as it happens: by day, agent, mailbox, tag, link and mail program."""
