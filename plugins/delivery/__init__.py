"""What became of mails after our mail server took them: the Delivery events module."""

from plugins.delivery.module import DeliveryEvents

plugin = DeliveryEvents()
