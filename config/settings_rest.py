"""Settings of the REST interface: Django REST framework, its OpenAPI document, throttles, paging.

Imported last by ``config.settings``: every name in capitals here is a setting and replaces one of the base.
"""
