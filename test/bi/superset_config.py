# What Apache Superset needs to be tried: its own data in one file beside this one, no cache between it and the database.
import os

HERE = os.environ['SUPERSET_HOME']
SECRET_KEY = os.environ['SUPERSET_KEY']
SQLALCHEMY_DATABASE_URI = f'sqlite:///{HERE}/superset.db?check_same_thread=false'
WTF_CSRF_ENABLED = False  # the runner registers things without a form
TALISMAN_ENABLED = False
RATELIMIT_ENABLED = False
