"""The portal's public Python API, for plugins and scripts: `from app.services import email, tickets, modules`.

Every function works inside the running portal; those that say so also work in a plain script, where the portal's
settings come from the environment.
"""
